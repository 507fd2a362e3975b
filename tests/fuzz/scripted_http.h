// HttpClient without a network: linked in the place of worker/storage/http/http_client.cc, it answers by a script.
#pragma once

#include <string_view>

#include "worker/storage/http/retry.h"

namespace podium {

// Replies, one for each request: a line with the status (what is none: the connection broke), lines "name: value", an
// empty line, the body up to a line "~". Behind the last reply everything is refused. The text must outlive its use.
void set_http_script(std::string_view replies);

inline constexpr std::string_view kEndOfReply = "\n~\n";

// A clock that stands still, and waits that take no time.
Timing scripted_timing();

}  // namespace podium
