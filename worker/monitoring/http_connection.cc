#include "worker/monitoring/http_connection.h"

#include <fmt/format.h>

namespace podium {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::asio::ip::tcp;

// What may come with and behind a header. A refused request is read on so far, so that its sender gets to the answer.
constexpr size_t kRest = 64 << 10;

HttpPage not_found(const HttpPages& pages) {
  HttpPage page{404, "There are:\n"};
  for (const auto& [path, content] : pages) page.body += path + "\n";
  return page;
}

// By path, whatever stands behind a '?'.
HttpPage page_of(const HttpPages& pages, std::string_view target) {
  const auto found = pages.find(std::string(target.substr(0, target.find('?'))));
  return found == pages.end() ? not_found(pages) : found->second();
}

HttpPage refusal_of(const beast::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return {431, "the request's header is too large\n"};
  if (error == http::error::unexpected_body || error == http::error::body_limit) return {413, "no body is expected\n"};
  return {400, fmt::format("not an HTTP request: {}\n", error.message())};
}

}  // namespace

HttpConnection::HttpConnection(tcp::socket socket, const HttpPages& pages, const HttpServerLimits& limits)
    : stream_(std::move(socket)), pages_(pages), limits_(limits), buffer_(limits.header_bytes + kRest) {}

void HttpConnection::begin(Handlers handlers) {
  handlers_ = std::move(handlers);
  read();
}

void HttpConnection::read() {
  request_.emplace();
  request_->header_limit(limits_.header_bytes);
  request_->body_limit(0);
  stream_.expires_after(limits_.wait);
  http::async_read(stream_, buffer_, *request_,
                   [self = shared_from_this()](const beast::error_code& error, size_t) { self->came(error); });
}

void HttpConnection::came(const beast::error_code& error) {
  if (ended_) return;
  // By http::error it is the peer's fault; else the connection is gone, or took too long.
  if (error == http::error::end_of_stream || error == http::error::partial_message) return end();
  if (error) return error.category() == make_error_code(http::error::bad_method).category() ? refuse(error) : end();
  handlers_.request();
  const auto& request = request_->get();
  const bool head = request.method() == http::verb::head;
  const bool keep_alive = request.version() == 11 && request.keep_alive() && ++requests_ < limits_.requests;
  if (request.method() != http::verb::get && !head)
    return answer({405, "GET and HEAD alone are answered\n"}, false, false);
  answer(page_of(pages_, {request.target().data(), request.target().size()}), keep_alive, head);
}

void HttpConnection::refuse(const beast::error_code& error) { answer(refusal_of(error), false, false); }

void HttpConnection::answer(HttpPage page, bool keep_alive, bool head_only) {
  answer_ = Answer(static_cast<http::status>(page.status), 11);
  answer_.set(http::field::content_type, page.type);
  answer_.set(http::field::cache_control, "no-store");
  if (page.status == 405) answer_.set(http::field::allow, "GET, HEAD");
  answer_.body() = std::move(page.body);
  answer_.keep_alive(keep_alive);
  answer_.prepare_payload();
  serializer_.emplace(answer_);
  stream_.expires_after(limits_.wait);
  auto done = [self = shared_from_this()](const beast::error_code& error, size_t) { self->answered(error); };
  if (head_only) {
    serializer_->split(true);
    http::async_write_header(stream_, *serializer_, std::move(done));
  } else {
    http::async_write(stream_, *serializer_, std::move(done));
  }
}

void HttpConnection::answered(const beast::error_code& error) {
  if (ended_) return;
  if (error) return end();
  if (answer_.keep_alive()) return read();
  beast::error_code ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  buffer_.clear();
  drain();
}

// Closed with something unread, the peer's end would drop the answer.
void HttpConnection::drain() {
  stream_.async_read_some(buffer_.prepare(limits_.header_bytes),
                          [self = shared_from_this()](const beast::error_code& error, size_t size) {
                            if (self->ended_) return;
                            self->drained_bytes_ += size;
                            if (error || self->drained_bytes_ > kRest) return self->end();
                            self->drain();
                          });
}

void HttpConnection::close() {
  ended_ = true;
  stream_.close();
}

void HttpConnection::end() {
  if (ended_) return;
  close();
  handlers_.ended();
}

}  // namespace podium
