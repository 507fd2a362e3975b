// A small HTTP server for probes and Prometheus: a few pages that are read, nothing that is written.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace podium {

struct HttpPage {
  unsigned status = 200;
  std::string body;
  std::string type = "text/plain; charset=utf-8";
};
// By path: "/healthz". Asked at every request, on the io_context's thread: quick, and they do not throw.
using HttpPages = std::map<std::string, std::function<HttpPage()>>;

// What strangers may cost.
struct HttpServerLimits {
  size_t connections = 64;                 // a further one takes the place of the one that said nothing for longest
  uint32_t header_bytes = 8 << 10;         // of a request; no body is taken
  size_t requests = 1000;                  // of one connection, then it is closed
  std::chrono::milliseconds wait{10'000};  // for a whole request, and for an answer to be taken
};

// HTTP/1.1 with GET, HEAD, keep-alive and pipelining. Anything else is refused with 4xx and the connection closed.
// Everything happens on the io_context's thread, a request at a time.
class HttpServer {
 public:
  // Listens on all addresses, IPv6 and IPv4, where there is no IPv6 on IPv4 alone; port 0: any. Throws Error naming the
  // address.
  HttpServer(boost::asio::io_context& io, uint16_t port, HttpPages pages, HttpServerLimits limits = {});
  // Closes all connections; nothing is asked afterwards.
  ~HttpServer();

  uint16_t port() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace podium
