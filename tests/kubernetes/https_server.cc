#include "tests/kubernetes/https_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace podium {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

struct Gone {};  // ends the thread of a connection

}  // namespace

struct HttpsServer::Connection {
  Connection(asio::io_context& io, asio::ssl::context& tls, tcp::socket socket)
      : io(io), stream(std::move(socket), tls), descriptor(stream.next_layer().native_handle()) {}
  asio::io_context& io;
  asio::ssl::stream<tcp::socket> stream;
  const int descriptor;
  boost::beast::flat_buffer buffer;
};

class HttpsServer::Answer : public Exchange {
 public:
  Answer(HttpsServer& server, Connection& connection, http::request<http::string_body> request)
      : server_(server), connection_(connection), request_(std::move(request)), target_(request_.target()) {}

  std::string method() const override { return std::string(request_.method_string()); }
  const std::string& target() const override { return target_; }
  std::string header(const std::string& name) const override { return std::string(request_[name]); }
  const std::string& body() const override { return request_.body(); }

  void answer(int code, const std::string& body, const std::string& headers) override {
    const char* type = headers.find("Content-Type:") == std::string::npos ? "Content-Type: application/json\r\n" : "";
    write(fmt::format("HTTP/1.1 {} -\r\n{}Content-Length: {}\r\n{}\r\n{}", code, type, body.size(), headers, body));
  }
  void begin() override {
    write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  void chunk(const std::string& text) override { write(fmt::format("{:x}\r\n{}\r\n", text.size(), text)); }
  void end() override { write("0\r\n\r\n"); }
  bool is_gone() const override {
    pollfd entry{.fd = connection_.descriptor, .events = POLLRDHUP, .revents = 0};
    return ::poll(&entry, 1, 0) > 0;
  }
  void write(const std::string& bytes) override { asio::write(connection_.stream, asio::buffer(bytes)); }
  void reset() override {
    const linger at_once{1, 0};
    ::setsockopt(connection_.descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    throw Gone();
  }
  void close() override { throw Gone(); }
  void hang() override {
    std::unique_lock lock(server_.mutex_);
    server_.stopped_.wait(lock, [&] { return server_.is_stopped(); });
    throw Gone();
  }

 private:
  HttpsServer& server_;
  Connection& connection_;
  const http::request<http::string_body> request_;
  const std::string target_;
};

struct HttpsServer::Tls {
  explicit Tls(const CertificateAndKey& certificate) {
    context.use_certificate_chain(asio::buffer(certificate.certificate));
    context.use_private_key(asio::buffer(certificate.key), asio::ssl::context::pem);
  }
  asio::io_context io;
  asio::ssl::context context{asio::ssl::context::tls_server};
};

HttpsServer::HttpsServer(const CertificateAndKey& certificate, Place place, Handler handle)
    : handle_(std::move(handle)),
      tls_(std::make_unique<Tls>(certificate)),
      sockets_(std::move(place), [this](int descriptor) { serve(descriptor); }) {}

HttpsServer::~HttpsServer() { stop(); }

void HttpsServer::start() {
  is_stopped_ = false;
  sockets_.start();
}

void HttpsServer::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_.exchange(true)) return;
  }
  stopped_.notify_all();
  sockets_.stop();
}

void HttpsServer::serve(int descriptor) {
  Connection connection(tls_->io, tls_->context, tcp::socket(tls_->io, tcp::v4(), descriptor));
  try {
    connection.stream.handshake(asio::ssl::stream_base::server);
    while (true) {
      http::request<http::string_body> request;
      http::read(connection.stream, connection.buffer, request);
      Answer answer(*this, connection, std::move(request));
      handle_(answer);
    }
  } catch (const Gone&) {
  } catch (const boost::system::system_error&) {
  }
  connection.stream.next_layer().release();  // the listener closes it
}

}  // namespace podium
