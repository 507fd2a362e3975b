#include "coordinator/discovery/pod_identity.h"

#include <fmt/format.h>

#include "coordinator/kubernetes/access.h"
#include "coordinator/kubernetes/api_connection.h"
#include "coordinator/kubernetes/pod.h"
#include "worker/base/error.h"

namespace podium {
namespace {

constexpr const char* kManifest = "kubernetes/stateful-set.yaml";
constexpr std::chrono::seconds kPatience{60};

std::string value_of(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

std::string pod_name(const std::map<std::string, std::string>& environment) {
  for (const char* variable : {"POD_NAME", "THIS_POD_NAME"})
    if (std::string name = value_of(environment, variable); !name.empty()) return name;
  throw Error(
      "POD_NAME is not set: expected the pod's name; give it to the container by the downward API (fieldRef "
      "metadata.name), as {} does",
      kManifest);
}

boost::asio::awaitable<kubernetes::Pod> get_pod(kubernetes::ApiConnection& connection, std::string name) {
  const std::string target = fmt::format("/api/v1/namespaces/{}/pods/{}", connection.credentials().name_space(),
                                         kubernetes::percent_encoded(name));
  try {
    co_return kubernetes::parse_pod(co_await connection.get(target));
  } catch (const kubernetes::ApiError& error) {
    throw Error("{}", kubernetes::explain(error, {"pods", "get", name}, connection.credentials()));
  }
}

// Before anything else runs: so an io_context of its own.
kubernetes::Pod look_up(const std::string& name, const std::shared_ptr<kubernetes::Credentials>& credentials) {
  boost::asio::io_context io;
  kubernetes::ApiConnection connection(io, credentials, kubernetes::real_time_and_chance());
  std::optional<kubernetes::Pod> found;
  std::exception_ptr failure;
  boost::asio::co_spawn(io, get_pod(connection, name), [&](std::exception_ptr failed, kubernetes::Pod pod) {
    failure = std::move(failed);
    found = std::move(pod);
  });
  io.run_for(kPatience);
  if (failure) std::rethrow_exception(failure);
  if (!found) throw Error("Kubernetes API: no answer about pod {} for {} s", name, kPatience.count());
  return *found;
}

}  // namespace

std::string PodIdentity::name_of(uint32_t ordinal) const { return fmt::format("{}-{}", stateful_set, ordinal); }

PodIdentity pod_identity(const std::map<std::string, std::string>& environment,
                         const std::shared_ptr<kubernetes::Credentials>& credentials) {
  PodIdentity pod;
  pod.peer.name = pod_name(environment);
  const std::optional<uint32_t> ordinal = kubernetes::ordinal_of(pod.peer.name);
  if (!ordinal)
    throw Error("pod {} has no ordinal: expected a pod of a StatefulSet, NAME-0, NAME-1, …; apply {}", pod.peer.name,
                kManifest);
  pod.peer.ordinal = *ordinal;
  pod.stateful_set = pod.peer.name.substr(0, pod.peer.name.rfind('-'));
  pod.peer.uid = value_of(environment, "POD_UID");
  pod.peer.address = value_of(environment, "POD_IP");
  if (!pod.peer.uid.empty() && !pod.peer.address.empty()) return pod;
  const kubernetes::Pod seen = look_up(pod.peer.name, credentials);
  if (pod.peer.uid.empty()) pod.peer.uid = seen.uid;
  if (pod.peer.address.empty()) pod.peer.address = seen.ip;
  if (pod.peer.address.empty())
    throw Error("pod {} has no address yet; give it POD_IP by the downward API (fieldRef status.podIP), as {} does",
                pod.peer.name, kManifest);
  return pod;
}

}  // namespace podium
