// Workers of a list that never changes: `worker local`, and hosts that somebody named.
#pragma once

#include <vector>

#include "coordinator/discovery/discovery.h"

namespace podium {

// `addresses`: HOST:PORT of each worker in order of its ordinal; the first is the coordinator's. Throws Error naming
// the setting when an address is not one, or `ordinal` is outside the list.
class StaticDiscovery : public Discovery {
 public:
  StaticDiscovery(std::vector<std::string> addresses, uint32_t ordinal);
  PeerIdentity self() const override;
  std::string own_address() const override;
  void watch(Handlers handlers) override;

 private:
  std::vector<std::string> addresses_;
  uint32_t ordinal_;
  std::string uid_;
};

}  // namespace podium
