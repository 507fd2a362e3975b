// One TCP connection with TLS to the API server, whose certificate is always verified.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <string>

#include "coordinator/kubernetes/awaitable.h"

namespace podium::kubernetes {

class TlsConnection {
 public:
  using Stream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

  // `certificate_authorities` in PEM: the only ones trusted. Throws Error when they cannot be read.
  TlsConnection(boost::asio::io_context& io, const std::string& certificate_authorities);

  // Resolves, connects, shakes hands, all within `deadline`. The certificate must name `host`, be it a name or an
  // address. The error is the result; see also verification().
  boost::asio::awaitable<boost::system::error_code> open(const std::string& host, const std::string& port,
                                                         std::chrono::steady_clock::time_point deadline);
  // What waits ends with operation_aborted.
  void close();

  // OpenSSL's verdict on the certificate (X509_V_OK when there was nothing to refuse).
  long verification();
  // For whatever is read or written from now on.
  void expires_at(std::chrono::steady_clock::time_point deadline);
  Stream& stream() { return stream_; }
  boost::beast::flat_buffer& buffer() { return buffer_; }

 private:
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  boost::asio::awaitable<boost::system::error_code> resolve(const std::string& host, const std::string& port,
                                                            std::chrono::steady_clock::time_point deadline,
                                                            Endpoints& endpoints);
  boost::system::error_code expect_host(const std::string& host);

  boost::asio::io_context& io_;
  boost::asio::ssl::context context_;
  Stream stream_;
  boost::beast::flat_buffer buffer_;
  std::shared_ptr<boost::asio::steady_timer> resolving_;
  bool is_closed_ = false;
};

}  // namespace podium::kubernetes
