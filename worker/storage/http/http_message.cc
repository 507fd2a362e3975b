#include "worker/storage/http/http_message.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace podium {

HttpBody text_body(std::string text) {
  const uint64_t size = text.size();
  return {size, [text = std::make_shared<const std::string>(std::move(text))](uint64_t offset, std::span<char> buffer) {
            text->copy(buffer.data(), buffer.size(), offset);
          }};
}

const std::string& HttpReply::header(const std::string& name) const {
  static const std::string none;
  const auto found = headers.find(name);
  return found == headers.end() ? none : found->second;
}

std::optional<int64_t> date_of(const HttpReply& reply) {
  const int64_t seconds = curl_getdate(reply.header("date").c_str(), nullptr);
  return seconds > 0 ? std::optional(seconds) : std::nullopt;
}

void hide(std::string& text, const std::string& secret) {
  constexpr std::string_view kHidden = "(hidden)";
  if (secret.empty()) return;
  for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += kHidden.size())
    text.replace(at, secret.size(), kHidden);
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          std::string_view("-._~").find(c) != std::string_view::npos;
    encoded += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace podium
