// A client that says what a test wants said, byte by byte, on a real socket.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/slowdown.h"
#include "worker/base/descriptor.h"
#include "worker/base/error.h"

namespace podium {

class HttpClient {
 public:
  explicit HttpClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }

  bool is_connected() const { return connected_; }
  // Whether the peer still takes it.
  bool send(std::string_view text) {
    return ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  // What comes until `end` was seen, the peer closes (then is_closed()) or half a minute has passed.
  std::string receive_until(std::string_view end) {
    using std::chrono::steady_clock;
    const auto deadline = steady_clock::now() + std::chrono::seconds(30 * kSlowdown);
    while (text_.find(end) == std::string::npos && !closed_ && steady_clock::now() < deadline) {
      pollfd ready{socket_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 100) <= 0) continue;
      char buffer[65536];
      const ssize_t size = ::recv(socket_.get(), buffer, sizeof buffer, 0);
      if (size <= 0) closed_ = true;
      if (size > 0) text_.append(buffer, static_cast<size_t>(size));
    }
    const size_t found = text_.find(end);
    const size_t taken = found == std::string::npos ? text_.size() : found + end.size();
    const std::string result = text_.substr(0, taken);
    text_.erase(0, taken);
    return result;
  }
  // All that comes until the peer closes.
  std::string receive_all() { return receive_until(std::string_view("\0never", 6)); }
  bool is_closed() const { return closed_; }

 private:
  Descriptor socket_;
  bool connected_ = false, closed_ = false;
  std::string text_;
};

inline std::string request(std::string_view path, std::string_view more = "", std::string_view method = "GET") {
  return fmt::format("{} {} HTTP/1.1\r\nHost: here\r\n{}\r\n", method, path, more);
}

// One page, by a connection of its own; empty: nobody answers.
inline std::string get(int port, std::string_view path) {
  HttpClient client(port);
  if (!client.is_connected() || !client.send(request(path, "Connection: close\r\n"))) return "";
  return client.receive_all();
}

}  // namespace podium
