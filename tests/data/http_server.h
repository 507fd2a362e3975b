// A web server of one thread and raw sockets that answers as a test tells it to, faults included.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

namespace podium {

class HttpServer {
 public:
  struct Answer {
    std::string bytes;    // status line, headers and body as they go over the wire
    bool stalls = false;  // keeps the connection open afterwards, silently
  };
  // `answer` gets the request's path and the number of requests before it.
  using Handler = std::function<Answer(const std::string& path, int number)>;

  explicit HttpServer(Handler handler) : handler_(std::move(handler)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    stopping_ = true;
    thread_.join();
    ::close(listener_);
  }

  std::string url(const std::string& path) const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }
  int requests() const { return requests_; }

  static Answer ok(const std::string& body) {
    return {fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", body.size(), body)};
  }
  static Answer status(int code, const std::string& headers = "") {
    return {fmt::format("HTTP/1.1 {} X\r\nContent-Length: 0\r\nConnection: close\r\n{}\r\n", code, headers)};
  }

 private:
  // Waits up to 10 s, or until the test is over.
  bool readable(int descriptor) const {
    for (int i = 0; i < 1000 && !stopping_; ++i) {
      pollfd entry{descriptor, POLLIN, 0};
      if (::poll(&entry, 1, 10) > 0) return true;
    }
    return false;
  }
  void serve() {
    while (!stopping_) {
      if (!readable(listener_)) continue;
      const int connection = ::accept(listener_, nullptr, nullptr);
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos && readable(connection)) {
        const ssize_t count = ::recv(connection, buffer, sizeof buffer, 0);
        if (count <= 0) break;
        request.append(buffer, static_cast<size_t>(count));
      }
      const size_t path = request.find(' ') + 1;
      const Answer answer = handler_(request.substr(path, request.find(' ', path) - path), requests_++);
      ::send(connection, answer.bytes.data(), answer.bytes.size(), MSG_NOSIGNAL);
      // A client that gives up closes, which makes the connection readable.
      if (answer.stalls) readable(connection);
      ::close(connection);
    }
  }

  Handler handler_;
  int listener_;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> requests_{0};
  std::thread thread_;
};

}  // namespace podium
