// What Podium reads of a pod.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace podium::kubernetes {

// A container that waits or has ended, as `kubectl describe pod` tells it.
struct ContainerTrouble {
  std::string container;
  std::string waiting, waiting_message;  // "ImagePullBackOff"
  std::string ended;                     // of the last life: "OOMKilled", "Error"
  int64_t exit_code = 0;                 // of the last life
  int64_t restarts = 0;
  bool operator==(const ContainerTrouble&) const = default;
};

struct Pod {
  std::string name, uid;
  std::optional<uint32_t> ordinal;
  std::string owner, owner_uid;  // the StatefulSet's; "" of a pod that none made
  std::string ip;                // "" as long as there is none; stays when the pod ends, and is given to others later
  std::string phase;             // Pending, Running, Succeeded, Failed, Unknown
  bool is_ready = false;
  bool is_ending = false;                   // deleted, within its grace period
  std::string reason, message;              // of a pod that failed as a whole: "Evicted"
  std::string unschedulable;                // the scheduler's message; "" when it has none
  std::optional<ContainerTrouble> trouble;  // of the first container that has one
  bool operator==(const Pod&) const = default;
};

// Throws Error naming the key when name or uid are missing; what else is missing or null counts as not there yet.
Pod parse_pod(const nlohmann::json& json);

// The number behind the last dash: "a-1-b-10" is 10.
std::optional<uint32_t> ordinal_of(std::string_view pod_name);

// One sentence on how the pod is, and where something is wrong, the fix: "pod web-2 is Pending: 0/3 nodes are
// available: 3 Insufficient cpu; lower resources.requests or add nodes".
std::string explain(const Pod& pod);

}  // namespace podium::kubernetes
