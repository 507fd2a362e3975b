#include "coordinator/discovery/static_list.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>

#include "worker/base/error.h"

namespace podium {
namespace {

std::string random_uid() {
  uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) throw_system_error(errno, "getrandom");
  return fmt::format("{:016x}", number);
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5 ||
      !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return false;
  const int port = std::stoi(std::string(text));
  return port >= 1 && port <= 65535;
}

// A name, an IPv4 address, or an IPv6 address in brackets.
bool is_host(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  if (bracketed) text = text.substr(1, text.size() - 2);
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return is_word || c == '.' || c == '%' || (bracketed ? c == ':' : c == '-' || c == '_');
  });
}

void check_address(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || !is_host(std::string_view(address).substr(0, colon)) ||
      !is_port(std::string_view(address).substr(colon + 1)))
    throw Error("workers.addresses: \"{}\" is not HOST:PORT", address);
}

}  // namespace

StaticDiscovery::StaticDiscovery(std::vector<std::string> addresses, uint32_t ordinal)
    : addresses_(std::move(addresses)), ordinal_(ordinal), uid_(random_uid()) {
  if (addresses_.empty()) throw Error("workers.addresses: empty; HOST:PORT of each worker is expected");
  for (const std::string& address : addresses_) check_address(address);
  if (ordinal_ >= addresses_.size())
    throw Error("workers.ordinal: {} is not the place of one of the {} workers.addresses, counted from 0", ordinal_,
                addresses_.size());
}

PeerIdentity StaticDiscovery::self() const {
  std::string host = own_address().substr(0, own_address().rfind(':'));
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  return {ordinal_, fmt::format("worker-{}", ordinal_), uid_, host};
}

// Nothing in the list ever changes.
void StaticDiscovery::watch(Handlers handlers) {
  if (handlers.coordinator) handlers.coordinator(addresses_.front());
  if (handlers.expected) handlers.expected(static_cast<uint32_t>(addresses_.size()));
}

std::string StaticDiscovery::own_address() const { return addresses_[ordinal_]; }

}  // namespace podium
