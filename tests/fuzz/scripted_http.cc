#include "tests/fuzz/scripted_http.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>

#include "tests/fuzz/fuzz_input.h"

namespace podium {
namespace {

constexpr int64_t kUnixSeconds = 1'800'000'000;

FuzzInput script("");

// 0: it is no status.
int status_of(std::string_view line) {
  int status = 0;
  std::from_chars(line.data(), line.data() + line.size(), status);
  return status >= 100 && status <= 999 ? status : 0;
}

HttpReply parse_reply(FuzzInput text) {
  HttpReply reply;
  reply.status = status_of(text.until("\n"));
  while (!text.is_empty()) {
    FuzzInput line(text.until("\n"));
    if (line.is_empty()) break;
    const std::string name(line.until(": "));
    reply.headers[name] = line.rest();
  }
  reply.body = text.rest();
  return reply;
}

// As libcurl does: a body ends where its Content-Length says, and one that ends before is an error. Whether it does.
bool cut_to_length(HttpReply& reply) {
  const std::string& header = reply.header("content-length");
  uint64_t length = 0;
  if (std::from_chars(header.data(), header.data() + header.size(), length).ec != std::errc()) return false;
  if (reply.body.size() < length) return true;
  reply.body.resize(length);
  return false;
}

// All of what is sent, in two pieces: reading it again from the middle must do.
void read_body(const HttpBody& body) {
  if (!body.read) return;
  std::string sent(body.size_bytes, '\0');
  const size_t half = sent.size() / 2;
  body.read(half, std::span(sent).subspan(half));
  body.read(0, std::span(sent).first(half));
}

void hand_over(const HttpRequest& request, const HttpReply& reply) {
  if (reply.body.empty()) return;
  if (request.head) request.head({reply.status, reply.headers, ""});
  const size_t half = reply.body.size() / 2;
  if (half > 0) request.sink(std::string_view(reply.body).substr(0, half));
  request.sink(std::string_view(reply.body).substr(half));
}

}  // namespace

void set_http_script(std::string_view replies) { script = FuzzInput(replies); }

Timing scripted_timing() {
  return {[] { return Timing::Instant(); }, [] { return 0.5; }, [](Timing::Duration) { return Timing::Duration(0); },
          [] { return kUnixSeconds; }};
}

HttpClient::HttpClient(HttpLimits limits) : limits_(std::move(limits)), multi_(nullptr) {}
HttpClient::~HttpClient() = default;
void HttpClient::close() {}
void HttpClient::pause(std::chrono::steady_clock::duration) {}

HttpReply HttpClient::perform(const HttpRequest& request) {
  if (script.is_empty()) throw HttpFailure("the script is at its end", false);
  HttpReply reply = parse_reply(FuzzInput(script.until(kEndOfReply)));
  read_body(request.body);
  if (reply.status == 0) throw transport_failure(CURLE_RECV_ERROR, "");
  const bool is_cut = cut_to_length(reply), is_success = reply.status / 100 == 2;
  if (request.sink && is_success)
    hand_over(request, std::exchange(reply, {reply.status, reply.headers, ""}));
  else if (reply.body.size() > request.kept_bytes && is_success)
    throw HttpFailure("the answer is too large", false);
  if (is_cut) throw transport_failure(CURLE_PARTIAL_FILE, "");
  reply.body.resize(std::min<size_t>(reply.body.size(), request.kept_bytes));
  return reply;
}

}  // namespace podium
