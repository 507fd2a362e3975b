// What came instead of an answer, or an answer that is none of those hoped for: the one place that decides whether the
// same request may succeed later.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "worker/base/error.h"
#include "worker/storage/http/http_message.h"

namespace podium {

class HttpFailure : public Error {
 public:
  HttpFailure(const std::string& text, bool may_pass) : Error(text), may_pass(may_pass) {}

  bool may_pass;
  int status = 0;                                     // of the answer; 0: there was none
  std::optional<std::chrono::seconds> retry_after{};  // what the server asked for
};

// Of libcurl's `code` (a CURLcode); `detail` is its own text, without the URL.
HttpFailure transport_failure(int code, const std::string& detail);

// Of an answer with a status that was not hoped for; the text has the server's own message.
HttpFailure status_failure(const HttpReply& reply);

// Of an answer that should have been JSON, and is cut, or the page of a proxy.
HttpFailure malformed_failure(const std::string& reason);

// What an error's body says, as one line of bounded length: of Google's JSON in its several shapes the message, of HTML
// only that it is HTML.
std::string message_of_body(std::string_view body);

}  // namespace podium
