#include "worker/base/host_port.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace podium {
namespace {

constexpr size_t kLongestHost = 253;  // of a name, RFC 1035

bool is_host(std::string_view text, bool bracketed) {
  if (text.empty() || text.size() > kLongestHost) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return is_word || c == '.' || c == '%' || (bracketed ? c == ':' : c == '-' || c == '_');
  });
}

}  // namespace

std::optional<HostPort> parse_host_port(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.size() > 5 || !is_host(host, bracketed))
    return std::nullopt;
  return HostPort{std::string(host), port};
}

std::string to_string(const HostPort& place) { return fmt::format("{}:{}", bracketed(place.host), place.port); }

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
}

}  // namespace podium
