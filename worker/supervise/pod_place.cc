#include "worker/supervise/pod_place.h"

namespace podium {

bool is_on_kubernetes(const Settings& settings, const std::map<std::string, std::string>& environment) {
  using Discovery = Settings::Workers::Discovery;
  if (settings.workers.discovery != Discovery::kAuto) return settings.workers.discovery == Discovery::kKubernetes;
  return settings.workers.addresses.empty() && environment.count("KUBERNETES_SERVICE_HOST") > 0;
}

PodPlace find_pod(const std::map<std::string, std::string>& environment) {
  PodPlace place;
  place.credentials = std::make_shared<kubernetes::Credentials>(kubernetes::Credentials::in_cluster(),
                                                                kubernetes::real_time_and_chance().now);
  place.identity = pod_identity(environment, place.credentials);
  return place;
}

}  // namespace podium
