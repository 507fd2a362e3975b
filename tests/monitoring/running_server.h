// An HTTP server with an io_context of its own, on a thread, as long as a test needs it.
#pragma once

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>

#include "worker/monitoring/http_server.h"

namespace podium {

class RunningServer {
 public:
  explicit RunningServer(HttpPages pages, HttpServerLimits limits = {})
      : server_(std::make_unique<HttpServer>(io_, 0, std::move(pages), limits)), port_(server_->port()), timer_(io_) {
    tick();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~RunningServer() {
    boost::asio::post(io_, [this] {
      server_.reset();
      timer_.cancel();
      ended_ = true;
    });
    thread_.join();
  }
  int port() const { return port_; }
  // The longest that anything on the loop had to wait, in milliseconds, but for the machine.
  int64_t longest_wait() const { return longest_wait_; }

 private:
  void tick() {
    using std::chrono::steady_clock;
    const auto due = steady_clock::now() + std::chrono::milliseconds(1);
    timer_.expires_at(due);
    timer_.async_wait([this, due](const boost::system::error_code& error) {
      if (error || ended_) return;
      const auto late = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - due);
      longest_wait_ = std::max<int64_t>(longest_wait_, late.count());
      tick();
    });
  }

  boost::asio::io_context io_;
  std::unique_ptr<HttpServer> server_;
  int port_;
  boost::asio::steady_timer timer_;
  bool ended_ = false;
  std::atomic<int64_t> longest_wait_{0};
  std::thread thread_;
};

}  // namespace podium
