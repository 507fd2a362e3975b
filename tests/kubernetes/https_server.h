// HTTPS on a real port for the API servers of tests: a thread a connection, one request after the other.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>  // which Boost 1.74 forgets

#include "tests/kubernetes/certificates.h"

namespace podium {

class HttpsServer {
 public:
  // One request being answered. What it cannot do any more, because the client or the server is gone, ends its thread.
  class Exchange {
   public:
    virtual ~Exchange() = default;
    virtual std::string method() const = 0;
    virtual const std::string& target() const = 0;                  // path and query, encoded
    virtual std::string header(const std::string& name) const = 0;  // of the request; empty: none
    virtual const std::string& body() const = 0;                    // of the request, at most 1 MB
    std::string line() const { return method() + " " + target(); }
    // An answer at once; `headers` as "Name: value\r\n".
    virtual void answer(int code, const std::string& body, const std::string& headers = "") = 0;
    virtual void begin() = 0;  // HTTP 200, chunked
    virtual void chunk(const std::string& text) = 0;
    virtual void end() = 0;
    virtual bool is_gone() const = 0;                  // the client has closed the connection
    virtual void write(const std::string& bytes) = 0;  // as they are
    virtual void reset() = 0;                          // the connection, by RST
    virtual void close() = 0;                          // the connection, without an end of the body
    virtual void hang() = 0;                           // until the server stops
  };
  using Handler = std::function<void(Exchange&)>;
  struct Place {
    std::string address = "127.0.0.1";
    int port = 0;            // 0: one that is free
    bool is_shared = false;  // others may have the port, on an address of their own
  };

  // Throws Error when it cannot have its place. `handle` is called by many threads at once.
  HttpsServer(CertificateAndKey certificate, Place place, Handler handle);
  ~HttpsServer();
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;

  int port() const { return place_.port; }
  void stop();   // connections are reset, further ones refused; returns when all threads have ended
  void start();  // on the same port
  bool is_stopped() const { return is_stopped_; }
  int connections() const { return connections_; }  // that were opened

 private:
  struct Connection;
  class Answer;
  void accept_all();
  void serve(Connection& connection);
  void forget_ended();

  const CertificateAndKey certificate_;
  Place place_;
  const Handler handle_;
  std::atomic<int> connections_{0};
  std::atomic<bool> is_stopped_{true};
  std::thread acceptor_;
  int listener_ = -1;
  std::list<std::pair<std::shared_ptr<Connection>, std::thread>> served_;
  std::mutex mutex_;
  std::condition_variable stopped_;
};

}  // namespace podium
