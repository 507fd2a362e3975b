// One HTTP request and what came back for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

// What a request carries, read piece by piece: however large, it is never in memory as a whole. May be read again from
// an earlier offset.
struct HttpBody {
  uint64_t size_bytes = 0;
  // Fills `buffer` with the bytes at [offset, offset + buffer.size()). Called on the client's thread; what it throws
  // arrives at the caller.
  std::function<void(uint64_t offset, std::span<char> buffer)> read;
};
HttpBody text_body(std::string text);

struct HttpRequest {
  std::string method = "GET";
  std::string url{};                   // may be a secret, as headers may: neither is put into an error
  std::vector<std::string> headers{};  // "Name: value"
  HttpBody body{};                     // PUT and POST have one, if an empty one
  // Told status and headers before the first byte for the sink, on the same thread.
  std::function<void(const struct HttpReply&)> head{};
  // Gets the body of a reply with status 2xx, on the thread that called perform(); others, and all where there is none,
  // are kept in HttpReply::body.
  std::function<void(std::string_view)> sink{};
  uint64_t kept_bytes = 1 << 20;  // of a body that is kept: of a status 2xx no more, of others the rest is dropped
  std::chrono::milliseconds timeout{0};  // for all of it; 0: the client's stall limit alone
  bool may_use_proxy = true;             // that of the environment
};

struct HttpReply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  // "" when there is none.
  const std::string& header(const std::string& name) const;
};

// The time that a reply says it is (its Date), in seconds since 1970; nullopt: it says none.
std::optional<int64_t> date_of(const HttpReply& reply);

// Puts "(hidden)" in the place of each `secret` in `text`.
void hide(std::string& text, const std::string& secret);

// %XX for all but letters, digits and "-._~" (RFC 3986), so also for slashes.
std::string percent_encoded(std::string_view text);

}  // namespace podium
