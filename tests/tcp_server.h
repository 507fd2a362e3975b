// A port of this machine whose connections are each served on a thread of their own: what the HTTP servers of the tests
// stand on.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace podium {

class TcpServer {
 public:
  struct Place {
    std::string address = "127.0.0.1";
    int port = 0;            // 0: one that is free
    bool is_shared = false;  // others may have the port, on an address of their own
  };
  // Called with each connection, on its thread, and ends with it. The descriptor is closed afterwards, by the server.
  using Serve = std::function<void(int descriptor)>;

  // Throws Error when it cannot have its place.
  TcpServer(Place place, Serve serve);
  ~TcpServer() { stop(); }
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  const std::string& address() const { return place_.address; }
  int port() const { return place_.port; }
  void stop();   // connections are shut down, further ones refused; returns when all threads have ended
  void start();  // on the same port
  int connections() const { return accepted_; }  // that were opened

 private:
  struct Connection;
  void accept_all();
  void forget_ended();

  Place place_;
  const Serve serve_;
  std::atomic<int> accepted_{0};
  int listener_ = -1;  // -1: it is stopped
  std::thread acceptor_;
  std::list<std::shared_ptr<Connection>> connections_;  // of the acceptor, while it runs
};

}  // namespace podium
