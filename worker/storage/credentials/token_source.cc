#include "worker/storage/credentials/token_source.h"

#include <algorithm>

#include "worker/json/strict_json.h"

namespace podium {
namespace {

constexpr std::chrono::seconds kTimeout{30};
constexpr size_t kShortestSecret = 12;

// A line's end in a token would make another header of what follows.
bool is_token(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

HttpReply post_form(HttpClient& client, const std::string& url, const std::map<std::string, std::string>& form) {
  std::string text;
  for (const auto& [name, value] : form)
    text += (text.empty() ? "" : "&") + percent_encoded(name) + "=" + percent_encoded(value);
  HttpReply reply = client.perform({.method = "POST",
                                    .url = url,
                                    .headers = {"Content-Type: application/x-www-form-urlencoded"},
                                    .body = text_body(std::move(text)),
                                    .timeout = kTimeout});
  for (const auto& [name, value] : form)
    if (value.size() >= kShortestSecret) hide(reply.body, value);
  return reply;
}

AccessToken parse_token(const HttpReply& reply, int64_t unix_seconds) {
  if (reply.status != 200) throw status_failure(reply);
  constexpr int64_t kLongestLife = 12 * 3600;
  try {
    const nlohmann::json json = parse_strict_json(reply.body, "the token endpoint's answer");
    AccessToken token{json_string(json, "access_token", "the token endpoint's answer"), 0};
    if (!is_token(token.text)) throw Error("the token endpoint's answer holds no usable access_token");
    token.expires = unix_seconds + json_integer(json, "expires_in", 0, kLongestLife, "the token endpoint's answer");
    return token;
  } catch (const HttpFailure&) {
    throw;
  } catch (const Error& error) {
    throw malformed_failure(error.what());
  }
}

void check_secure_url(const std::string& url, const std::string& what) {
  const bool is_local = url.starts_with("http://127.0.0.1:") || url.starts_with("http://localhost:");
  if (!url.starts_with("https://") && !is_local) throw Error("{}: expected a URL that begins with https://", what);
}

}  // namespace podium
