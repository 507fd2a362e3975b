#include "tests/kubernetes/https_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "worker/base/error.h"

namespace podium {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

struct Gone {};  // ends the thread of a connection

constexpr size_t kMostConnections = 1000;

}  // namespace

struct HttpsServer::Connection {
  Connection(asio::io_context& io, asio::ssl::context& tls, tcp::socket socket)
      : io(io), stream(std::move(socket), tls), descriptor(stream.next_layer().native_handle()) {}
  asio::io_context& io;
  asio::ssl::stream<tcp::socket> stream;
  const int descriptor;
  boost::beast::flat_buffer buffer;
  std::mutex mutex;
  bool is_done = false;  // and its descriptor another's
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

HttpsServer::HttpsServer(CertificateAndKey certificate, Place place, Handler handle)
    : certificate_(std::move(certificate)), place_(std::move(place)), handle_(std::move(handle)) {
  start();
}

HttpsServer::~HttpsServer() { stop(); }

void HttpsServer::start() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (place_.is_shared) ::setsockopt(listener_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{
      .sin_family = AF_INET, .sin_port = htons(static_cast<uint16_t>(place_.port)), .sin_addr = {}, .sin_zero = {}};
  ::inet_pton(AF_INET, place_.address.c_str(), &address.sin_addr);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw_system_error(errno, "the API server's port");
  place_.port = ntohs(address.sin_port);
  is_stopped_ = false;
  acceptor_ = std::thread([this] { accept_all(); });
}

void HttpsServer::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_.exchange(true)) return;
  }
  stopped_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  for (auto& [connection, thread] : served_) {
    {
      const std::lock_guard lock(connection->mutex);
      if (!connection->is_done) ::shutdown(connection->descriptor, SHUT_RDWR);
    }
    thread.join();
  }
  served_.clear();
}

void HttpsServer::forget_ended() {
  for (auto entry = served_.begin(); entry != served_.end();) {
    bool is_done = false;
    {
      const std::lock_guard lock(entry->first->mutex);
      is_done = entry->first->is_done;
    }
    if (is_done) entry->second.join();
    entry = is_done ? served_.erase(entry) : std::next(entry);
  }
}

void HttpsServer::accept_all() {
  auto io = std::make_shared<asio::io_context>();
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  tls->use_certificate_chain(asio::buffer(certificate_.certificate));
  tls->use_private_key(asio::buffer(certificate_.key), asio::ssl::context::pem);
  for (int descriptor; (descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    ++connections_;
    forget_ended();
    if (served_.size() >= kMostConnections) {
      ::close(descriptor);
      continue;
    }
    const int on = 1;  // who is gone without a word is found out by this
    ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    auto connection = std::make_shared<Connection>(*io, *tls, tcp::socket(*io, tcp::v4(), descriptor));
    served_.emplace_back(connection, std::thread([this, io, tls, connection] { serve(*connection); }));
  }
}

void HttpsServer::serve(Connection& connection) {
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
  const std::lock_guard lock(connection.mutex);
  connection.is_done = true;
  boost::system::error_code ignored;
  connection.stream.next_layer().close(ignored);
}

}  // namespace podium
