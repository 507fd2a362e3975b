// HTTPS on a real port for the API servers of tests: a thread a connection, one request after the other.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>  // which Boost 1.74 forgets

#include "tests/kubernetes/certificates.h"
#include "tests/tcp_server.h"

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
  using Place = TcpServer::Place;

  // Throws Error when it cannot have its place. `handle` is called by many threads at once.
  HttpsServer(const CertificateAndKey& certificate, Place place, Handler handle);
  ~HttpsServer();
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;

  int port() const { return sockets_.port(); }
  void stop();   // connections are reset, further ones refused; returns when all threads have ended
  void start();  // on the same port
  bool is_stopped() const { return is_stopped_; }
  int connections() const { return sockets_.connections(); }  // that were opened

 private:
  struct Connection;
  struct Tls;
  class Answer;
  void serve(int descriptor);

  const Handler handle_;
  const std::unique_ptr<Tls> tls_;
  std::atomic<bool> is_stopped_{false};
  std::mutex mutex_;
  std::condition_variable stopped_;
  TcpServer sockets_;  // its threads use what stands above
};

}  // namespace podium
