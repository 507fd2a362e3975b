// Who am I, where is the coordinator, and how many are we? A static list here; the Kubernetes API and CLUSTER_SPEC keep
// the same promises later.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace podium {

struct PeerIdentity {
  uint32_t ordinal = 0;
  std::string name;     // of the pod: "podium-1"
  std::string uid;      // of this life
  std::string address;  // host or IP where this worker is reached by MPI, without a port
};

// On the io_context's thread.
class Discovery {
 public:
  struct Handlers {
    // Where ordinal 0 serves ("10.0.0.3:7421"), at first and whenever it changes.
    std::function<void(const std::string& address)> coordinator;
    // How many workers there should be.
    std::function<void(uint32_t workers)> expected;
    // What it waits for, with its cause: "pod podium-0: Pending, image not pulled".
    std::function<void(const std::string& text)> awaiting;
  };
  virtual ~Discovery() = default;
  virtual PeerIdentity self() const = 0;
  virtual void watch(Handlers handlers) = 0;
};

// `addresses`: HOST:PORT of each worker in order of its ordinal; the first is the coordinator's. Throws Error naming
// the setting when an address is not one, or `ordinal` is outside the list.
class StaticDiscovery : public Discovery {
 public:
  StaticDiscovery(std::vector<std::string> addresses, uint32_t ordinal);
  PeerIdentity self() const override;
  void watch(Handlers handlers) override;
  const std::string& own_address() const;  // HOST:PORT

 private:
  std::vector<std::string> addresses_;
  uint32_t ordinal_;
  std::string uid_;
};

}  // namespace podium
