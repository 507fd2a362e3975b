#include "coordinator/discovery/static_list.h"

#include <fmt/format.h>
#include <sys/random.h>

#include "worker/base/error.h"
#include "worker/base/host_port.h"

namespace podium {
namespace {

std::string random_uid() {
  uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) throw_system_error(errno, "getrandom");
  return fmt::format("{:016x}", number);
}

HostPort host_port_of(const std::string& address) {
  std::optional<HostPort> place = parse_host_port(address);
  if (!place || place->port == 0) throw Error("workers.addresses: \"{}\" is not HOST:PORT", address);
  return *std::move(place);
}

}  // namespace

StaticDiscovery::StaticDiscovery(std::vector<std::string> addresses, uint32_t ordinal)
    : addresses_(std::move(addresses)), ordinal_(ordinal), uid_(random_uid()) {
  if (addresses_.empty()) throw Error("workers.addresses: empty; HOST:PORT of each worker is expected");
  for (const std::string& address : addresses_) host_port_of(address);
  if (ordinal_ >= addresses_.size())
    throw Error("workers.ordinal: {} is not the place of one of the {} workers.addresses, counted from 0", ordinal_,
                addresses_.size());
}

PeerIdentity StaticDiscovery::self() const {
  return {ordinal_, fmt::format("worker-{}", ordinal_), uid_, host_port_of(own_address()).host};
}

// Nothing in the list ever changes.
void StaticDiscovery::watch(Handlers handlers) {
  if (handlers.coordinator) handlers.coordinator(addresses_.front());
  if (handlers.expected) handlers.expected(static_cast<uint32_t>(addresses_.size()));
}

std::string StaticDiscovery::own_address() const { return addresses_[ordinal_]; }

}  // namespace podium
