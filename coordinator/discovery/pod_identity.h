// Which pod of which StatefulSet this process is in.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "coordinator/discovery/discovery.h"
#include "coordinator/kubernetes/credentials.h"

namespace podium {

struct PodIdentity {
  PeerIdentity peer;
  std::string stateful_set;  // "podium"

  std::string name_of(uint32_t ordinal) const;  // of the StatefulSet's pod
};

// From POD_NAME (or THIS_POD_NAME, as earlier manifests have it), POD_UID and POD_IP of the downward API. What of the
// last two is missing is asked of the API, for a minute at most. Throws Error with the fix: a variable that the
// manifest lacks, a pod without an ordinal.
PodIdentity pod_identity(const std::map<std::string, std::string>& environment,
                         const std::shared_ptr<kubernetes::Credentials>& credentials);

}  // namespace podium
