#include "coordinator/kubernetes/api_error.h"

#include <openssl/x509.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>

#include "worker/json/strict_json.h"

namespace podium::kubernetes {
namespace {

using nlohmann::json;
namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr JsonLimits kStatusLimits{.depth = 32, .values = 10'000};

std::string text_of(const json& object, const char* key) {
  if (!json_has(object, key) || !object.at(key).is_string()) return "";
  return one_line(object.at(key).get_ref<const std::string&>(), 1000);
}

bool names_version_too_large(const json& status) {
  if (!json_has(status, "details") || !json_has(status.at("details"), "causes")) return false;
  const json& causes = status.at("details").at("causes");
  if (!causes.is_array()) return false;
  for (const json& cause : causes)
    if (text_of(cause, "reason") == "ResourceVersionTooLarge") return true;
  return false;
}

ApiError status_error_of(const std::string& what, int code, const json& status,
                         std::optional<std::chrono::seconds> retry_after) {
  if (json_has(status, "code") && status.at("code").is_number_unsigned() && status.at("code") < 1000)
    code = status.at("code").get<int>();
  const std::string reason = text_of(status, "reason"), message = text_of(status, "message");
  std::string text = fmt::format("{}: {}", what, code);
  if (!reason.empty()) text += " " + reason;
  text += message.empty() ? ", without a message" : ": " + message;
  return {ApiError::Kind::kStatus, text, {code, reason, retry_after, names_version_too_large(status)}};
}

}  // namespace

std::string one_line(std::string_view text, size_t limit) {
  std::string line(text.substr(0, limit));
  for (char& c : line)
    if (c < ' ' || c > '~') c = ' ';
  if (text.size() > limit) line += "...";
  return line;
}

ApiError status_error(const std::string& what, int http_code, std::string_view body,
                      std::optional<std::chrono::seconds> retry_after) {
  try {
    const json status = parse_strict_json(body, "status", kStatusLimits);
    if (text_of(status, "kind") == "Status") return status_error_of(what, http_code, status, retry_after);
  } catch (const Error&) {
    // Not the API's own words: a proxy's page, or a part.
  }
  const std::string shown = body.empty() ? "with an empty body" : "with a body that is no Status: " + one_line(body);
  return {ApiError::Kind::kStatus, fmt::format("{}: HTTP {} {}", what, http_code, shown), {http_code, "", retry_after}};
}

ApiError status_error(const std::string& what, const json& status) { return status_error_of(what, 0, status, {}); }

ApiError connection_error(const std::string& what, const boost::system::error_code& error, long verification) {
  using Kind = ApiError::Kind;
  if (error == boost::beast::error::timeout) return {Kind::kTimeout, what + ": no answer within the deadline"};
  if (error == asio::error::operation_aborted) return {Kind::kClosed, what + ": closed"};
  if (error == asio::error::connection_refused)
    return {Kind::kRefused, what + ": connection refused: the API server is away or starts again"};
  if (error.category() == asio::error::get_ssl_category() && verification != X509_V_OK)
    return {Kind::kCertificate, fmt::format("{}: the server's certificate is refused: {}; expected one for this host "
                                            "that ca.crt of the ServiceAccount vouches for",
                                            what, X509_verify_cert_error_string(verification))};
  if (error == http::error::end_of_stream || error == http::error::partial_message || error == asio::error::eof ||
      error == asio::ssl::error::stream_truncated || error == asio::error::connection_reset ||
      error == asio::error::broken_pipe)
    return {Kind::kBroken, what + ": the connection ended before the answer did"};
  if (error.category() == http::make_error_code(http::error::end_of_stream).category())
    return {Kind::kMalformed, fmt::format("{}: the answer is no HTTP: {}", what, error.message())};
  return {Kind::kBroken, fmt::format("{}: {}", what, error.message())};
}

}  // namespace podium::kubernetes
