// What strangers can make the HTTP server do: nothing that others notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "tests/monitoring/http_client.h"
#include "tests/monitoring/running_server.h"

namespace podium {
namespace {

using std::chrono::milliseconds;
using testing::AnyOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

HttpPages pages(size_t size = 3) {
  return {{"/", [size] { return HttpPage{200, std::string(size - 1, 'o') + "\n"}; }}};
}
// Others are still answered.
void expect_healthy(const RunningServer& server) { EXPECT_THAT(get(server.port(), "/"), StartsWith("HTTP/1.1 200 ")); }

TEST(HttpLimits, AHeaderThatIsTooLargeIsRefused) {
  const RunningServer server(pages());
  HttpClient client(server.port());
  client.send(request("/", "X: " + std::string(9000, 'x') + "\r\n"));
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 431 "));
  HttpClient endless(server.port());  // and one that never ends
  endless.send("GET / HTTP/1.1\r\nX: ");
  for (int i = 0; i < 10'000 && endless.send(std::string(1000, 'x')); ++i) continue;
  EXPECT_FALSE(endless.send("x") && endless.send(std::string(1 << 24, 'x')));
  expect_healthy(server);
}

TEST(HttpLimits, ABodyIsRefused) {
  const RunningServer server(pages());
  for (const char* body : {"Content-Length: 5\r\n\r\nhello", "Content-Length: 99999999999\r\n\r\nhello",
                           "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}) {
    HttpClient client(server.port());
    client.send("GET / HTTP/1.1\r\n" + std::string(body));
    EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 413 ")) << body;
    EXPECT_TRUE(client.is_closed());
  }
  expect_healthy(server);
}

TEST(HttpLimits, GarbageIsRefused) {
  const RunningServer server(pages());
  HttpClient tls(server.port());
  tls.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  EXPECT_THAT(tls.receive_all(), StartsWith("HTTP/1.1 400 "));
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    std::string text = request("/");
    for (int changes = 1 + i % 5; changes > 0; --changes) text[random() % text.size()] = static_cast<char>(random());
    HttpClient client(server.port());
    client.send(text);
    client.send("\r\n\r\n\r\n");
    if (i % 10 == 0) {
      EXPECT_THAT(client.receive_until("\r\n"), StartsWith("HTTP/1.1 ")) << text;
    }
  }
  expect_healthy(server);
}

TEST(HttpLimits, WhoIsSlowIsCutOff) {
  HttpServerLimits limits;
  limits.wait = milliseconds(200);
  const RunningServer server(pages(), limits);
  HttpClient silent(server.port()), slow(server.port());
  const std::string text = request("/", "X: " + std::string(1000, 'x') + "\r\n");
  bool taken = true;
  for (size_t i = 0; i < text.size() && taken; ++i) {
    taken = slow.send(text.substr(i, 1));
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_FALSE(taken);  // though it went on all the time
  EXPECT_EQ(silent.receive_all(), "");
  EXPECT_TRUE(silent.is_closed());
  expect_healthy(server);
}

TEST(HttpLimits, WhoDoesNotTakeItsAnswersIsCutOff) {
  HttpServerLimits limits;
  limits.wait = milliseconds(300);
  const RunningServer server(pages(1 << 20), limits);
  HttpClient client(server.port());
  for (int i = 0; i < 100; ++i) client.send(request("/"));
  std::this_thread::sleep_for(milliseconds(1500));
  const std::string taken = client.receive_all();
  EXPECT_TRUE(client.is_closed());
  EXPECT_LT(taken.size(), size_t{60} << 20);
  expect_healthy(server);
}

TEST(HttpLimits, AmongTooManyTheQuietestGoesFirst) {
  HttpServerLimits limits;
  limits.connections = 8;
  const RunningServer server(pages(), limits);
  std::deque<HttpClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(server.port());
    ASSERT_TRUE(clients[static_cast<size_t>(i)].send(request("/")));
    EXPECT_THAT(clients[static_cast<size_t>(i)].receive_until("oo\n"), EndsWith("oo\n"));
  }
  ASSERT_TRUE(clients[0].send(request("/")));  // it is the loudest now
  EXPECT_THAT(clients[0].receive_until("oo\n"), EndsWith("oo\n"));
  expect_healthy(server);  // the ninth
  EXPECT_EQ(clients[1].receive_all(), "");
  EXPECT_TRUE(clients[1].is_closed());
  ASSERT_TRUE(clients[0].send(request("/")));
  EXPECT_THAT(clients[0].receive_until("oo\n"), EndsWith("oo\n"));
}

TEST(HttpLimits, HundredsOfQuietOnesKeepNobodyOut) {
  const RunningServer server(pages());
  std::deque<HttpClient> clients;
  for (int i = 0; i < 300; ++i) clients.emplace_back(server.port());
  for (int i = 0; i < 10; ++i) expect_healthy(server);
}

TEST(HttpLimits, AConnectionEndsAfterItsRequests) {
  HttpServerLimits limits;
  limits.requests = 3;
  const RunningServer server(pages(), limits);
  HttpClient client(server.port());
  for (int i = 0; i < 10; ++i) client.send(request("/"));
  const std::string answers = client.receive_all();
  EXPECT_TRUE(client.is_closed());
  size_t count = 0;
  for (size_t at = 0; (at = answers.find("HTTP/1.1 200", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 3);
}

// On a machine that does nothing else it is a few milliseconds; a loop that waited for a peer would wait seconds.
TEST(HttpLimits, NobodyHoldsUpTheLoop) {
  const RunningServer server(pages(1 << 16));
  std::deque<HttpClient> clients;
  for (int i = 0; i < 32; ++i) {
    clients.emplace_back(server.port());
    std::string many;
    for (int n = 0; n < 100; ++n) many += request("/");
    clients.back().send(many);  // and takes no answer
  }
  for (int i = 0; i < 20; ++i) expect_healthy(server);
  EXPECT_LT(server.longest_wait(), 1000 * kSlowdown);
}

}  // namespace
}  // namespace podium
