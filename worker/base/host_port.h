// HOST:PORT, where a host is a name, an IPv4 address, or an IPv6 address, which stands in brackets (RFC 3986, 3.2.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace podium {

struct HostPort {
  std::string host;  // without brackets
  uint16_t port = 0;
  bool operator==(const HostPort&) const = default;
};

// nullopt: it is none. The port is 0 to 65535; the host is of the characters that hosts have, and not empty.
std::optional<HostPort> parse_host_port(std::string_view text);

// "10.0.0.3:7421", "[fd00::3]:7421".
std::string to_string(const HostPort& place);
// Brackets around an IPv6 address; other hosts as they are.
std::string bracketed(const std::string& host);

}  // namespace podium
