#include "tests/tcp_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "worker/base/error.h"

namespace podium {
namespace {

constexpr size_t kMostConnections = 1000;

}  // namespace

struct TcpServer::Connection {
  int descriptor;
  std::mutex mutex;
  bool is_done = false;  // and its descriptor another's
  std::thread thread;

  void close() {
    const std::lock_guard lock(mutex);
    is_done = true;
    ::close(descriptor);
  }
  void shut_down() {
    const std::lock_guard lock(mutex);
    if (!is_done) ::shutdown(descriptor, SHUT_RDWR);
  }
  bool has_ended() {
    const std::lock_guard lock(mutex);
    return is_done;
  }
};

TcpServer::TcpServer(Place place, Serve serve) : place_(std::move(place)), serve_(std::move(serve)) { start(); }

void TcpServer::start() {
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
    throw_system_error(errno, "the test server's port");
  place_.port = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

void TcpServer::stop() {
  if (listener_ < 0) return;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(std::exchange(listener_, -1));
  for (const auto& connection : connections_) connection->shut_down();
  for (const auto& connection : connections_) connection->thread.join();
  connections_.clear();
}

void TcpServer::forget_ended() {
  connections_.remove_if([](const std::shared_ptr<Connection>& connection) {
    const bool has_ended = connection->has_ended();
    if (has_ended) connection->thread.join();
    return has_ended;
  });
}

void TcpServer::accept_all() {
  for (int descriptor; (descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    ++accepted_;
    forget_ended();
    if (connections_.size() >= kMostConnections) {
      ::close(descriptor);
      continue;
    }
    const int on = 1;  // who is gone without a word is found out by this
    ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    auto connection = std::make_shared<Connection>();
    connection->descriptor = descriptor;
    connection->thread = std::thread([this, &connection = *connection] {
      serve_(connection.descriptor);
      connection.close();
    });
    connections_.push_back(std::move(connection));
  }
}

}  // namespace podium
