// One connection to the HTTP server, from its first request to its end.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "worker/monitoring/http_server.h"

namespace podium {

// Callbacks that wait hold it. It lives until the peer goes, a deadline passes, or it is closed.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  struct Handlers {
    std::function<void()> request;  // one has come
    std::function<void()> ended;    // once; nothing is called afterwards
  };
  // `pages` are used until it has ended.
  HttpConnection(boost::asio::ip::tcp::socket socket, const HttpPages& pages, const HttpServerLimits& limits);

  void begin(Handlers handlers);
  // At once, without a word; `ended` is not called.
  void close();

 private:
  using Request = boost::beast::http::request_parser<boost::beast::http::empty_body>;
  using Answer = boost::beast::http::response<boost::beast::http::string_body>;

  void read();
  void came(const boost::beast::error_code& error);
  void refuse(const boost::beast::error_code& error);
  void answer(HttpPage page, bool keep_alive, bool head_only);
  void answered(const boost::beast::error_code& error);
  void drain();
  void end();

  boost::beast::tcp_stream stream_;
  const HttpPages& pages_;
  const HttpServerLimits limits_;
  Handlers handlers_;
  boost::beast::flat_buffer buffer_;
  std::optional<Request> request_;
  Answer answer_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::string_body>> serializer_;
  size_t requests_ = 0, drained_bytes_ = 0;
  bool ended_ = false;
};

}  // namespace podium
