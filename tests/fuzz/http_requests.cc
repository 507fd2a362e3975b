// Any bytes as what a stranger sends to the monitoring port: answers come back, one after the other, and the connection
// ends.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>

#include "tests/fuzz/fuzz_target.h"
#include "worker/monitoring/http_connection.h"

namespace podium {
namespace {

constexpr size_t kMostAnswers = 3;
constexpr HttpServerLimits kLimits{.header_bytes = 512, .requests = kMostAnswers, .wait = std::chrono::seconds(5)};

void send_all(int descriptor, std::string_view bytes) {
  // What does not go into the socket's buffer is not sent.
  static_cast<void>(::send(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  ::shutdown(descriptor, SHUT_WR);
}

std::string receive_all(int descriptor) {
  std::string received;
  std::array<char, 16384> piece;
  for (ssize_t size = 0; (size = ::recv(descriptor, piece.data(), piece.size(), MSG_DONTWAIT)) > 0;)
    received.append(piece.data(), static_cast<size_t>(size));
  return received;
}

size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++found;
  return found;
}

}  // namespace

PODIUM_FUZZ_TARGET(http_requests) {
  static const HttpPages pages{{"/healthz",
                                [] {
                                  return HttpPage{200, "well\n"};
                                }},
                               {"/metrics", [] {
                                  return HttpPage{200, "podium_step 1\n", "text/plain"};
                                }}};
  static boost::asio::io_context io;
  int ends[2];
  PODIUM_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  size_t requests = 0;
  bool ended = false;
  {
    boost::asio::ip::tcp::socket socket(io);
    socket.assign(boost::asio::ip::tcp::v4(), ends[0]);
    const auto connection = std::make_shared<HttpConnection>(std::move(socket), pages, kLimits);
    connection->begin({[&] { ++requests; }, [&] { ended = true; }});
  }
  send_all(ends[1], bytes);
  io.restart();
  io.run();
  const std::string received = receive_all(ends[1]);
  ::close(ends[1]);
  PODIUM_CHECK(ended && requests <= kMostAnswers, "{} requests", requests);
  const size_t answers = count(received, "HTTP/1.1 ");
  PODIUM_CHECK(requests <= answers && answers <= requests + 1, "{} requests, {} answers", requests, answers);
  PODIUM_CHECK(received.empty() || received.starts_with("HTTP/1.1 "), "{}", received);
}

}  // namespace podium
