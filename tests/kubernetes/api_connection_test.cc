#include "coordinator/kubernetes/api_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kubernetes/kubernetes_testing.h"

namespace podium::kubernetes {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = ApiError::Kind;
using Exchange = FakeApiServer::Exchange;
namespace asio = boost::asio;

constexpr char kPods[] = "/api/v1/namespaces/demo/pods?";
constexpr char kScale[] = "/apis/apps/v1/namespaces/demo/statefulsets/web/scale";

struct ApiConnectionTest : testing::Test {
  ApiConnection connect(const std::string& host = "127.0.0.1") {
    return ApiConnection(cluster.io, cluster.credentials(host), cluster.time.time());
  }
  Cluster cluster;
};

TEST_F(ApiConnectionTest, GetsChunkedJson) {
  cluster.server.put_pod("web-0", "a");
  ApiConnection connection = connect();
  const auto list = cluster.run(connection.get(kPods));
  ASSERT_TRUE(list.value) << list.error->what();
  EXPECT_EQ((*list.value)["items"][0]["metadata"]["name"], "web-0");
}

TEST_F(ApiConnectionTest, SaysWhoItIsAndWhatItAccepts) {
  std::string host, token, accepted;
  cluster.server.instead("GET", [&](Exchange& exchange) {
    host = exchange.header("Host");
    token = exchange.header("Authorization");
    accepted = exchange.header("Accept");
    exchange.answer(200, "{}");
  });
  ApiConnection connection = connect();
  EXPECT_TRUE(cluster.run(connection.get("/x")).value);
  EXPECT_EQ(host, "127.0.0.1:" + std::to_string(cluster.server.port()));
  EXPECT_EQ(token, "Bearer token-1");
  EXPECT_EQ(accepted, "application/json, application/jwk-set+json");
}

TEST_F(ApiConnectionTest, KeepsItsConnection) {
  ApiConnection connection = connect();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cluster.run(connection.get(kPods)).value);
  EXPECT_EQ(cluster.run(connection.get("/nowhere")).error->details.code, 404);
  EXPECT_TRUE(cluster.run(connection.get(kPods)).value);
  EXPECT_EQ(cluster.server.connections(), 1);
}

TEST_F(ApiConnectionTest, OpensAnotherWhenTheServerClosedTheKeptOne) {
  ApiConnection connection = connect();
  EXPECT_TRUE(cluster.run(connection.get(kPods)).value);
  cluster.server.stop();
  cluster.server.start();
  EXPECT_TRUE(cluster.run(connection.get(kPods)).value);
  EXPECT_EQ(cluster.server.connections(), 2);
}

TEST_F(ApiConnectionTest, AsksOnceMoreOnAKeptConnectionAndThenGivesUp) {
  ApiConnection connection = connect();
  EXPECT_TRUE(cluster.run(connection.get(kPods)).value);
  cluster.server.instead(
      "GET", [](Exchange& exchange) { exchange.reset(); }, 100);
  EXPECT_EQ(cluster.run(connection.get(kPods)).error->kind, Kind::kBroken);
  EXPECT_EQ(cluster.server.requests().size(), 3u);
  EXPECT_EQ(cluster.run(connection.get(kPods)).error->kind, Kind::kBroken);
  EXPECT_EQ(cluster.server.requests().size(), 4u);  // on a new one, where nothing can be stale
}

TEST_F(ApiConnectionTest, AsksForAPatchOnce) {
  ApiConnection connection = connect();
  EXPECT_TRUE(cluster.run(connection.get(kPods)).value);
  cluster.server.instead("PATCH", [](Exchange& exchange) { exchange.reset(); });
  EXPECT_EQ(cluster.run(connection.merge_patch(kScale, {{"spec", {{"replicas", 1}}}})).error->kind, Kind::kBroken);
  EXPECT_EQ(cluster.server.requests("PATCH").size(), 1u);
  EXPECT_TRUE(cluster.run(connection.merge_patch(kScale, {{"spec", {{"replicas", 1}}}})).value);
  EXPECT_EQ(cluster.server.replicas(), 1);
}

TEST_F(ApiConnectionTest, KnowsTheServerByItsNameToo) {
  ApiConnection connection = connect("localhost");
  const auto list = cluster.run(connection.get(kPods));
  EXPECT_TRUE(list.value) << list.error->what();
}

TEST_F(ApiConnectionTest, ReadsARotatedTokenAfterA401) {
  ApiConnection connection = connect();
  cluster.account.folder.write("token", "token-2");
  cluster.server.accept_token("token-2");
  EXPECT_TRUE(cluster.run(connection.get(kPods)).value);
  EXPECT_EQ(cluster.server.requests().size(), 2u);
}

TEST_F(ApiConnectionTest, DoesNotRepeatATokenThatIsRefused) {
  ApiConnection connection = connect();
  cluster.server.accept_token("token-2");
  const auto list = cluster.run(connection.get(kPods));
  EXPECT_EQ(list.error->details.code, 401);
  EXPECT_EQ(cluster.server.requests().size(), 1u);
  cluster.account.folder.write("token", "token-3");
  EXPECT_EQ(cluster.run(connection.get(kPods)).error->details.code, 401);
  EXPECT_EQ(cluster.server.requests().size(), 3u);
}

TEST_F(ApiConnectionTest, WaitsAsTheServerAsks) {
  cluster.server.instead(
      "GET", [](Exchange& e) { e.answer(429, "", "Retry-After: 3\r\n"); }, 2);
  cluster.server.instead("GET", [](Exchange& e) { e.answer(503, "", "Retry-After: 5\r\n"); });
  ApiConnection connection = connect();
  EXPECT_TRUE(cluster.run(connection.get(kPods)).value);
  EXPECT_THAT(cluster.time.waits, ElementsAre(3, 3, 5));
}

TEST_F(ApiConnectionTest, WaitsNoLongerThanItsDeadline) {
  cluster.server.instead(
      "GET", [](Exchange& e) { e.answer(429, "", "Retry-After: 0\r\n"); }, 1000);
  ApiConnection connection = connect();
  const auto list = cluster.run(connection.get(kPods));
  EXPECT_EQ(list.error->details.code, 429);
  EXPECT_EQ(list.error->details.retry_after, std::chrono::seconds(1));
  EXPECT_EQ(cluster.time.waits, std::vector<double>(30, 1.0));
  EXPECT_EQ(cluster.server.requests().size(), 31u);
}

TEST_F(ApiConnectionTest, HandsALongRetryAfterToItsCaller) {
  for (const auto& [value, seconds] : {std::pair("31", 31), {"86400", 600}, {"99999999999", 600}}) {
    cluster.server.instead(
        "GET", [value = value](Exchange& e) { e.answer(429, "", "Retry-After: " + std::string(value) + "\r\n"); });
    ApiConnection connection = connect();
    EXPECT_EQ(cluster.run(connection.get(kPods)).error->details.retry_after, std::chrono::seconds(seconds));
  }
  for (const char* value : {"", "-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"}) {
    cluster.server.instead("GET",
                           [=](Exchange& e) { e.answer(429, "", "Retry-After: " + std::string(value) + "\r\n"); });
    ApiConnection connection = connect();
    EXPECT_EQ(cluster.run(connection.get(kPods)).error->details.retry_after, std::nullopt) << value;
  }
  EXPECT_THAT(cluster.time.waits, ElementsAre());
}

// ---- streams ----

struct StreamTest : ApiConnectionTest {
  Outcome<bool> stream(ApiConnection& connection) {
    return cluster.run(connection.stream(
        "/stream", [this] { is_opened = true; }, [this](std::string_view line) { lines.emplace_back(line); }));
  }
  bool is_opened = false;
  std::vector<std::string> lines;
};

TEST_F(StreamTest, HandsOverLinesWhateverTheChunks) {
  cluster.server.instead("/stream", [](Exchange& e) {
    e.begin();
    for (const char* part : {"o", "ne\ntw", "o\n", "\n", "three\nfour\nfi", "ve"}) e.chunk(part);
    e.chunk("\n" + std::string(100'000, 'x') + "\nlast");
    e.end();
  });
  ApiConnection connection = connect();
  EXPECT_EQ(stream(connection).value, true);
  EXPECT_TRUE(is_opened);
  EXPECT_THAT(lines, ElementsAre("one", "two", "three", "four", "five", std::string(100'000, 'x'), "last"));
  EXPECT_TRUE(cluster.run(connection.get(kPods)).value);
  EXPECT_EQ(cluster.server.connections(), 1);
}

TEST_F(StreamTest, BoundsALine) {
  cluster.server.instead("/stream", [](Exchange& e) {
    e.begin();
    for (int i = 0; i < 100; ++i) e.chunk(std::string(10'000, 'x'));
    e.hang();
  });
  ApiConnection connection(cluster.io, cluster.credentials(), cluster.time.time(), {.line_bytes = 500'000});
  const auto outcome = stream(connection);
  EXPECT_EQ(outcome.error->kind, Kind::kMalformed);
  EXPECT_THAT(outcome.error->what(), HasSubstr("a line of more than 500000 bytes"));
}

TEST_F(StreamTest, EndsWhenTheServerIsIdle) {
  cluster.server.instead("/stream", [](Exchange& e) {
    e.begin();
    e.chunk("one\n");
    e.hang();
  });
  ApiConnection connection(cluster.io, cluster.credentials(), cluster.time.time(),
                           {.idle = std::chrono::milliseconds(300)});
  EXPECT_EQ(stream(connection).value, false);
  EXPECT_THAT(lines, ElementsAre("one"));
}

TEST_F(StreamTest, TellsACutFromAnEnd) {
  for (const bool is_reset : {false, true}) {
    lines.clear();
    cluster.server.instead("/stream", [=](Exchange& e) {
      e.begin();
      e.chunk("one\ntw");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // a reset may overtake what was sent
      if (is_reset) e.reset();
      e.close();
    });
    ApiConnection connection = connect();
    EXPECT_EQ(stream(connection).error->kind, Kind::kBroken);
    EXPECT_THAT(lines, ElementsAre("one"));
  }
}

TEST_F(StreamTest, GoesOnAfterAnErrorInALine) {
  cluster.server.instead("/stream", [](Exchange& e) {
    e.begin();
    e.chunk("one\ntwo\n");
    e.hang();
  });
  ApiConnection connection = connect();
  const auto failed = cluster.run(connection.stream(
      "/stream", [] {}, [](std::string_view) { throw ApiError(Kind::kMalformed, "no such line"); }));
  EXPECT_STREQ(failed.error->what(), "no such line");
  EXPECT_TRUE(cluster.run(connection.get(kPods)).value);
}

TEST_F(StreamTest, EndsWhenItIsClosed) {
  cluster.server.instead("/stream", [](Exchange& e) {
    e.begin();
    e.chunk("one\n");
    e.hang();
  });
  ApiConnection connection = connect();
  const auto closed = cluster.run(connection.stream(
      "/stream", [] {}, [&](std::string_view) { asio::post(cluster.io, [&] { connection.close(); }); }));
  EXPECT_EQ(closed.error->kind, Kind::kClosed);
  EXPECT_EQ(cluster.run(connection.get(kPods)).error->kind, Kind::kClosed);
}

TEST(PercentEncoded, LeavesNothingThatAQueryMeans) {
  EXPECT_EQ(percent_encoded("app=web,a/b in (x&y)"), "app%3Dweb%2Ca%2Fb%20in%20%28x%26y%29");
  EXPECT_EQ(percent_encoded("aZ09-._~\xc3\xa9"), "aZ09-._~%C3%A9");
}

}  // namespace
}  // namespace podium::kubernetes
