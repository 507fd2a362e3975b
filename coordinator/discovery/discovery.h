// Who am I, where is the coordinator, and how many are we? By a static list, or by the Kubernetes API.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace podium {

struct PeerIdentity {
  uint32_t ordinal = 0;
  std::string name;     // of the pod: "podium-1"
  std::string uid;      // of this life
  std::string address;  // host or IP where this worker is reached by MPI, without a port
};

// What the cluster says of an ordinal's pod.
struct SeenPod {
  std::string uid;   // "": there is none
  std::string text;  // "pod podium-2 is Pending: 0/3 nodes are available; lower resources.requests or add nodes"
  bool operator==(const SeenPod&) const = default;
};
using SeenPods = std::map<uint32_t, SeenPod>;  // by ordinal

// On the io_context's thread.
class Discovery {
 public:
  struct Handlers {
    // Where ordinal 0 serves ("10.0.0.3:7421"), at first and whenever it changes; "": nowhere at the moment.
    std::function<void(const std::string& address)> coordinator;
    // How many workers there should be.
    std::function<void(uint32_t workers)> expected;
    // Of ordinal 0 alone, and of a cluster: the pods of all ordinals that are expected or there.
    std::function<void(const SeenPods& pods)> pods;
    // Why the coordinator is not there, with its fix: "pod podium-0 is Pending: its image is not pulled".
    std::function<void(const std::string& text)> awaiting;
    // What is wrong with finding out all this, with its fix; "": nothing any more.
    std::function<void(const std::string& text)> trouble;
  };
  virtual ~Discovery() = default;
  virtual PeerIdentity self() const = 0;
  // HOST:PORT where this worker serves when it is ordinal 0.
  virtual std::string own_address() const = 0;
  virtual void watch(Handlers handlers) = 0;
  // Of ordinal 0: whether the cluster has been asked which pods are alive, and has answered, if only with an error.
  virtual bool knows_pods() const { return true; }
  // Of ordinal 0: why no pod of that name and uid is alive, as far as the cluster has said; nullopt: one is, or there
  // is no cluster to ask.
  virtual std::optional<std::string> refuse_pod(const std::string& /*name*/, const std::string& /*uid*/) const {
    return std::nullopt;
  }
};

}  // namespace podium
