#include "worker/storage/http/http_failure.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>

#include "worker/json/strict_json.h"

namespace podium {
namespace {

constexpr size_t kLongestMessage = 400;
constexpr int kLongestRetryAfter = 24 * 3600;

bool may_pass(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_RECV_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // of an answer that is no HTTP; the URL's own is ours
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

bool may_pass(int status) {
  for (int passing : {408, 429, 500, 502, 503, 504})
    if (status == passing) return true;
  return false;
}

std::optional<std::chrono::seconds> retry_after_of(const HttpReply& reply) {
  const std::string& text = reply.header("retry-after");
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min(seconds, kLongestRetryAfter));
}

std::string one_line(std::string_view text) {
  std::string line;
  for (unsigned char c : text.substr(0, kLongestMessage)) line += c < 0x20 || c > 0x7e ? ' ' : static_cast<char>(c);
  if (text.size() > kLongestMessage) line += "...";
  const size_t begin = line.find_first_not_of(' ');
  return begin == std::string::npos ? "" : line.substr(begin, line.find_last_not_of(' ') - begin + 1);
}

// "Failed to connect to host port 443 after 12 ms: ...": the same failure is to have the same text each time.
std::string without_time(std::string text) {
  constexpr std::string_view kAfter = " after ", kUnit = " ms";
  const size_t begin = text.find(kAfter);
  if (begin == std::string::npos) return text;
  const size_t end = text.find_first_not_of("0123456789", begin + kAfter.size());
  if (end != std::string::npos && text.compare(end, kUnit.size(), kUnit) == 0)
    text.erase(begin, end + kUnit.size() - begin);
  return text;
}

std::string text_of(const nlohmann::json& json) { return json.is_string() ? json.get<std::string>() : json.dump(); }

// {"error": {"message": M}}, {"error": E, "error_description": D}, {"message": M}; M may be any value.
std::string message_of_json(const nlohmann::json& json) {
  if (!json.is_object()) return text_of(json);
  if (json_has(json, "error_description")) return text_of(json["error_description"]);
  if (json_has(json, "error")) return message_of_json(json["error"]);
  if (json_has(json, "message")) return text_of(json["message"]);
  return json.dump();
}

}  // namespace

HttpFailure transport_failure(int code, const std::string& detail) {
  const auto curl_code = static_cast<CURLcode>(code);
  const std::string name = curl_easy_strerror(curl_code);
  return {detail.empty() ? name : without_time(detail), may_pass(curl_code)};
}

HttpFailure status_failure(const HttpReply& reply) {
  const std::string message = message_of_body(reply.body);
  HttpFailure failure(fmt::format("HTTP status {}{}{}", reply.status, message.empty() ? "" : ": ", message),
                      may_pass(reply.status));
  failure.status = reply.status;
  failure.retry_after = retry_after_of(reply);
  return failure;
}

HttpFailure malformed_failure(const std::string& reason) { return {one_line(reason), true}; }

std::string message_of_body(std::string_view body) {
  const size_t begin = std::min(body.find_first_not_of(" \t\r\n"), body.size());
  body.remove_prefix(begin);
  if (body.starts_with('<')) return "(a page of HTML, not the service's answer)";
  if (!body.starts_with('{') && !body.starts_with('[')) return one_line(body);
  try {
    return one_line(message_of_json(parse_strict_json(body, "", {.depth = 16, .values = 10'000})));
  } catch (const std::exception&) {
    return one_line(body);
  }
}

}  // namespace podium
