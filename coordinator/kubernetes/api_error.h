// What the Kubernetes API, or the way to it, answers instead of what was asked for.
#pragma once

#include <boost/system/error_code.hpp>
#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "worker/base/error.h"

namespace podium::kubernetes {

class ApiError : public Error {
 public:
  enum class Kind {
    kStatus,       // an answer: `code` says which
    kRefused,      // nobody listens there: the server starts again
    kBroken,       // the connection ended before or within the answer
    kTimeout,      // no answer within the deadline
    kCertificate,  // not the cluster's server
    kMalformed,    // an answer that is none: no JSON, too large, not what was asked for
    kClosed,       // by ourselves
  };
  struct Details {
    int code = 0;        // of the Status object where there is one, else of HTTP; 0 without an answer
    std::string reason;  // "Forbidden", "Expired"; "" where the server names none
    std::optional<std::chrono::seconds> retry_after;
    bool version_too_large = false;  // the resource version asked for is ahead of this server
  };
  ApiError(Kind kind, const std::string& text, Details details)
      : Error(text), kind(kind), details(std::move(details)) {}
  ApiError(Kind kind, const std::string& text) : ApiError(kind, text, Details()) {}

  // The resource version that was asked for is gone from the server, or not there yet: only a fresh list helps.
  bool is_expired() const { return details.code == 410 || details.version_too_large; }

  Kind kind;
  Details details;
};

// The error that an answer of HTTP status `http_code` with this body is: a Status object, or anything else. `what`
// begins the text. `body` may be a part; it is shown as one line of bounded length.
ApiError status_error(const std::string& what, int http_code, std::string_view body,
                      std::optional<std::chrono::seconds> retry_after);
// The same of a Status object, as a watch's ERROR event holds it.
ApiError status_error(const std::string& what, const nlohmann::json& status);

// The error that a failure of the connection is. `verification` is OpenSSL's verdict on the certificate (X509_V_OK:
// none).
ApiError connection_error(const std::string& what, const boost::system::error_code& error, long verification);

// The first `limit` bytes of `text` as one line of printable ASCII: foreign text goes into logs.
std::string one_line(std::string_view text, size_t limit = 300);

}  // namespace podium::kubernetes
