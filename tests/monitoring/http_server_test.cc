// What the HTTP server answers.
#include "worker/monitoring/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/error_of.h"
#include "tests/monitoring/http_client.h"
#include "tests/monitoring/running_server.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class Pages : public testing::Test {
 protected:
  int asked_ = 0;
  RunningServer server_{{{"/healthz",
                          [] {
                            return HttpPage{200, "ok\n"};
                          }},
                         {"/readyz",
                          [] {
                            return HttpPage{503, "it begins\n"};
                          }},
                         {"/metrics", [this] {
                            return HttpPage{200, fmt::format("asked {}\n", ++asked_), "a/b"};
                          }}}};
};

TEST_F(Pages, AreAnsweredByPath) {
  const std::string ok = get(server_.port(), "/healthz");
  EXPECT_THAT(ok, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(ok, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(ok, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(ok, EndsWith("\r\n\r\nok\n"));
  EXPECT_THAT(get(server_.port(), "/readyz"), AllOf(StartsWith("HTTP/1.1 503 "), EndsWith("\r\n\r\nit begins\n")));
  EXPECT_THAT(get(server_.port(), "/metrics?name=a"), AllOf(HasSubstr("Content-Type: a/b\r\n"), EndsWith("asked 1\n")));
}

TEST_F(Pages, ThatAreNotThereAreNamed) {
  EXPECT_THAT(get(server_.port(), "/"),
              AllOf(StartsWith("HTTP/1.1 404 "), EndsWith("There are:\n/healthz\n/metrics\n/readyz\n")));
  EXPECT_THAT(get(server_.port(), "/healthz/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(get(server_.port(), "/../etc/passwd"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(Pages, HaveHeadersAloneByHead) {
  HttpClient client(server_.port());
  ASSERT_TRUE(client.send(request("/healthz", "", "HEAD")));
  const std::string header = client.receive_until("\r\n\r\n");
  EXPECT_THAT(header, AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Content-Length: 3\r\n")));
  // No body stands between it and the next answer.
  ASSERT_TRUE(client.send(request("/readyz")));
  EXPECT_THAT(client.receive_until("begins\n"), StartsWith("HTTP/1.1 503 "));
}

TEST_F(Pages, AreReadNotWritten) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"}) {
    HttpClient client(server_.port());
    ASSERT_TRUE(client.send(request("/healthz", "", method)));
    EXPECT_THAT(client.receive_all(), AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD\r\n"))) << method;
  }
  EXPECT_EQ(asked_, 0);
}

TEST_F(Pages, KeepAConnectionAsLongAsItIsWanted) {
  HttpClient client(server_.port());
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(client.send(request("/metrics")));
    EXPECT_THAT(client.receive_until("asked " + std::to_string(i) + "\n"), Not(HasSubstr("Connection: close")));
  }
  ASSERT_TRUE(client.send(request("/metrics", "Connection: close\r\n")));
  EXPECT_THAT(client.receive_all(), AllOf(HasSubstr("Connection: close\r\n"), EndsWith("asked 6\n")));
  EXPECT_TRUE(client.is_closed());
  HttpClient old(server_.port());
  ASSERT_TRUE(old.send("GET /healthz HTTP/1.0\r\n\r\n"));
  EXPECT_THAT(old.receive_all(), EndsWith("ok\n"));
  EXPECT_TRUE(old.is_closed());
}

TEST_F(Pages, AreAnsweredInOrderWhenRequestsComeTogether) {
  HttpClient client(server_.port());
  std::string many;
  for (int i = 0; i < 200; ++i) many += request("/metrics");
  ASSERT_TRUE(client.send(many + request("/healthz", "Connection: close\r\n")));
  for (int i = 1; i <= 200; ++i)
    EXPECT_THAT(client.receive_until(fmt::format("asked {}\n", i)), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.receive_all(), EndsWith("ok\n"));
}

TEST_F(Pages, ComeToWhoSendsByteByByte) {
  HttpClient client(server_.port());
  for (char c : request("/healthz", "Connection: close\r\n")) ASSERT_TRUE(client.send(std::string_view(&c, 1)));
  EXPECT_THAT(client.receive_all(), EndsWith("ok\n"));
}

TEST(HttpServer, NamesThePortThatIsTaken) {
  boost::asio::io_context io;
  const HttpServer first(io, 0, {});
  EXPECT_THAT(
      error_of([&] { HttpServer second(io, first.port(), {}); }),
      MatchesRegex("monitoring.port [0-9]+: cannot listen at (\\[::\\]|0.0.0.0):[0-9]+: Address already in use"));
}

TEST(HttpServer, EndsWithRequestsUnderWay) {
  boost::asio::io_context io;
  auto server = std::make_unique<HttpServer>(io, 0, HttpPages{{"/", [] { return HttpPage{200, "ok\n"}; }}});
  HttpClient quiet(server->port()), begun(server->port()), asks(server->port());
  ASSERT_TRUE(begun.send("GET / HTTP"));
  ASSERT_TRUE(asks.send(request("/")));
  for (int i = 0; i < 5; ++i) io.run_for(std::chrono::milliseconds(20));
  server.reset();
  io.restart();
  io.run_for(std::chrono::milliseconds(100));
  EXPECT_EQ(quiet.receive_all(), "");
  EXPECT_TRUE(quiet.is_closed());
  EXPECT_THAT(asks.receive_all(), EndsWith("ok\n"));
}

}  // namespace
}  // namespace podium
