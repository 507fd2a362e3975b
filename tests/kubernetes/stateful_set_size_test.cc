#include "coordinator/kubernetes/stateful_set_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kubernetes/kubernetes_testing.h"

namespace podium::kubernetes {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Exchange = FakeApiServer::Exchange;

struct StatefulSetSizeTest : testing::Test {
  void start(bool follows = true) {
    StatefulSetSize::Handlers handlers;
    if (follows)
      handlers = {[this](const StatefulSet& set) { sizes.push_back(set.replicas); },
                  [this](const std::string& text) { troubles.push_back(text); }};
    size.emplace(cluster.io, cluster.credentials(), "web", handlers, cluster.time.time());
  }
  void set(uint32_t replicas) {
    size->set(replicas, [this](const std::string& text) { told.push_back(text); });
  }
  void refuse(const std::string& line, int code, const std::string& reason, int times,
              const std::string& headers = "") {
    server.instead(
        line, [=](Exchange& exchange) { exchange.answer(code, status_body(code, reason, "no"), headers); }, times);
  }
  std::vector<std::string> patches() const { return server.requests("PATCH"); }

  Cluster cluster;
  FakeApiServer& server = cluster.server;
  std::optional<StatefulSetSize> size;
  std::vector<uint32_t> sizes;
  std::vector<std::string> troubles, told;
};

TEST_F(StatefulSetSizeTest, TellsOfChangesAlone) {
  start();
  ASSERT_TRUE(cluster.run_until([&] { return server.requests("GET").size() >= 4; }));
  EXPECT_THAT(sizes, ElementsAre(3));
  set(5);
  ASSERT_TRUE(cluster.run_until([&] { return sizes.size() == 2 && !told.empty(); }));
  EXPECT_THAT(sizes, ElementsAre(3, 5));
  EXPECT_THAT(told, ElementsAre(""));
  EXPECT_EQ(patches().size(), 1u);
}

// Requests are bounded: the waits grow to half a minute.
TEST_F(StatefulSetSizeTest, GoesOnAfterTheServerWasAway) {
  start();
  ASSERT_TRUE(cluster.run_until([&] { return !sizes.empty(); }));
  server.stop();
  cluster.time.waits.clear();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.time.waits.size() >= 12; }));
  EXPECT_GE(cluster.time.waits.back(), 30.0);
  server.start();
  ASSERT_TRUE(cluster.run_until([&] { return troubles.size() == 2; }));
  EXPECT_EQ(troubles.back(), "");
  EXPECT_THAT(sizes, ElementsAre(3));
}

TEST_F(StatefulSetSizeTest, SetsUntilTheServerHasDoneIt) {
  start(false);
  refuse("PATCH", 500, "InternalError", 2);
  refuse("PATCH", 403, "Forbidden", 2);
  set(0);
  ASSERT_TRUE(cluster.run_until([&] { return !told.empty() && told.back().empty(); }));
  ASSERT_EQ(told.size(), 3u);  // each trouble once
  EXPECT_THAT(told[1], HasSubstr("the Role lacks statefulsets/scale patch on web"));
  EXPECT_EQ(server.replicas(), 0);
  EXPECT_EQ(patches().size(), 5u);
  EXPECT_EQ(server.requests("GET").size(), 0u);
}

TEST_F(StatefulSetSizeTest, WaitsAsLongAsTheServerAsks) {
  start(false);
  refuse("PATCH", 429, "TooManyRequests", 1, "Retry-After: 600\r\n");
  set(4);
  ASSERT_TRUE(cluster.run_until([&] { return !told.empty() && told.back().empty(); }));
  EXPECT_THAT(cluster.time.waits, testing::Contains(testing::Ge(600.0)));
}

TEST_F(StatefulSetSizeTest, ALaterNumberTakesThePlaceOfOneUnderWay) {
  start(false);
  refuse("PATCH", 500, "InternalError", 1);
  set(4);
  ASSERT_TRUE(cluster.run_until([&] { return !patches().empty(); }));
  set(6);
  ASSERT_TRUE(cluster.run_until([&] { return !told.empty() && told.back().empty(); }));
  EXPECT_EQ(server.replicas(), 6);
  for (int i = 0; i < 20; ++i) cluster.run_until([] { return true; });
  EXPECT_EQ(server.replicas(), 6);
}

TEST_F(StatefulSetSizeTest, SaysNothingAfterItsEnd) {
  start();
  set(4);
  size.reset();
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
  cluster.run_until([&] { return std::chrono::steady_clock::now() > end; });
  EXPECT_TRUE(sizes.empty());
  EXPECT_TRUE(told.empty());
}

}  // namespace
}  // namespace podium::kubernetes
