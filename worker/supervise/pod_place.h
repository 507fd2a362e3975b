// What a worker in a pod has besides: its cluster.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "configuration/settings.h"
#include "coordinator/discovery/pod_identity.h"

namespace podium {

// The pod that this process is in, and how it speaks to the Kubernetes API.
struct PodPlace {
  std::shared_ptr<kubernetes::Credentials> credentials;
  PodIdentity identity;
};

// Whether workers find each other by the Kubernetes API: as workers.discovery says; by itself in a pod without
// workers.addresses.
bool is_on_kubernetes(const Settings& settings, const std::map<std::string, std::string>& environment);

// Throws Error with the fix when the pod lacks what that needs.
PodPlace find_pod(const std::map<std::string, std::string>& environment);

}  // namespace podium
