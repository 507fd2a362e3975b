// What the server may do to a watch of pods, and that the client asks a bounded number of times.
#include "tests/kubernetes/pod_watch_testing.h"

namespace podium::kubernetes {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using Exchange = FakeApiServer::Exchange;

FakeApiServer::Script refuse(int code, const std::string& reason = "", const std::string& headers = "") {
  return [=](Exchange& e) { e.answer(code, status_body(code, reason, reason), headers); };
}

FakeApiServer::Script one_line_of(const std::string& line) {
  return [=](Exchange& e) {
    e.begin();
    e.chunk(line + "\n");
    e.end();
  };
}

struct PodWatchFaults : PodWatchTest {
  // A watch that is up, from version 101 with web-0.
  void start_well() {
    server.put_pod("web-0", "a");
    start();
    ASSERT_TRUE(watches(1));
  }
  // The watch at work sees what changes now.
  void expect_at_work() {
    server.put_pod("web-9", "z");
    EXPECT_TRUE(sees({{"web-0", "a"}, {"web-9", "z"}}));
  }
};

TEST_F(PodWatchFaults, AnExpiredWatchIsListedAfresh) {
  start_well();
  server.put_pod("web-1", "b");
  ASSERT_TRUE(sees({{"web-0", "a"}, {"web-1", "b"}}));
  server.delete_pod("web-1");
  server.forget_history();
  end_watches();
  ASSERT_TRUE(sees({{"web-0", "a"}}));
  ASSERT_TRUE(watches(3));
  ASSERT_EQ(list_requests().size(), 2u);
  EXPECT_THAT(list_requests()[1], EndsWith("limit=500"));
  EXPECT_THAT(cluster.time.waits, ElementsAre(testing::DoubleNear(1.2, 1e-9)));
  EXPECT_THAT(troubles, ElementsAre());
  expect_at_work();
}

TEST_F(PodWatchFaults, AnExpiredListIsRepeatedAtOnceAndThenWaits) {
  server.put_pod("web-0", "a");
  server.instead("limit=500", refuse(410, "Expired"), 3);
  start();
  ASSERT_TRUE(watches(1));
  ASSERT_EQ(list_requests().size(), 4u);
  EXPECT_THAT(list_requests()[1], EndsWith("limit=500"));
  EXPECT_EQ(cluster.time.waits.size(), 2u);
  expect_at_work();
}

TEST_F(PodWatchFaults, AListThatExpiresBetweenPagesIsRepeatedWhole) {
  for (int i = 0; i < 700; ++i) server.put_pod("web-" + std::to_string(i), "u");
  server.instead("resourceVersion=0", refuse(410, "Expired"));
  server.instead("continue=", refuse(410, "Expired"));
  start();
  ASSERT_TRUE(cluster.run_until([&] { return pods.size() == 700; }));
  EXPECT_EQ(changes, 1);
  EXPECT_THAT(server.requests()[3], EndsWith("labelSelector=app%3Dweb"));
}

TEST_F(PodWatchFaults, AVersionAheadOfTheServerIsListedAfresh) {
  start_well();
  server.instead("watch=1", one_line_of(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"999"}}})"));
  server.instead("watch=1", refuse(500, "InternalError"));
  end_watches();
  ASSERT_TRUE(watches(4));
  ASSERT_EQ(list_requests().size(), 3u);
  EXPECT_THAT(list_requests()[1], EndsWith("&resourceVersion=999"));
  EXPECT_THAT(list_requests()[2], EndsWith("limit=500"));
  expect_at_work();
}

TEST_F(PodWatchFaults, TooManyRequestsWaitsAndWatchesAgainWithoutAList) {
  start_well();
  server.instead("watch=1", refuse(429, "TooManyRequests"));
  server.instead("watch=1", refuse(429, "TooManyRequests", "Retry-After: 40\r\n"));
  server.instead("watch=1", refuse(429, "TooManyRequests", "Retry-After: 7\r\n"));
  end_watches();
  ASSERT_TRUE(watches(5));
  EXPECT_EQ(list_requests().size(), 1u);
  EXPECT_THAT(cluster.time.waits, ElementsAre(testing::DoubleNear(1.2, 1e-9), 40, 7));
  expect_at_work();
  EXPECT_THAT(troubles, ElementsAre(HasSubstr("429 TooManyRequests"), ""));
}

TEST_F(PodWatchFaults, AServerThatIsAwayIsWaitedForWithoutAList) {
  start_well();
  server.stop();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.time.waits.size() >= 9; }));
  EXPECT_EQ(changes, 1);  // what was known stays
  server.start();
  ASSERT_TRUE(watches(2));
  expect_at_work();
  EXPECT_EQ(list_requests().size(), 1u);
  EXPECT_THAT(watch_requests().back(), EndsWith("=101"));
  double expected = 1.2;
  for (size_t i = 0; i < cluster.time.waits.size(); ++i, expected = std::min(2 * expected, 45.0))
    EXPECT_NEAR(cluster.time.waits[i], expected, 1e-9);
  // Whether the cut was seen first or not, the same trouble is told once.
  EXPECT_EQ(std::count_if(troubles.begin(), troubles.end(),
                          [](const std::string& text) { return text.find("connection refused") != std::string::npos; }),
            1);
  EXPECT_EQ(troubles.back(), "");
}

TEST_F(PodWatchFaults, AWatchThatIsCutGoesOnWhereItWas) {
  start_well();
  server.instead("watch=1", [](Exchange& e) {
    e.begin();
    e.close();
  });
  server.instead("watch=1", [](Exchange& e) {
    e.begin();
    e.reset();
  });
  server.instead("watch=1", [](Exchange& e) { e.reset(); });
  end_watches();
  ASSERT_TRUE(watches(5));
  EXPECT_EQ(list_requests().size(), 1u);
  EXPECT_EQ(cluster.time.waits.size(), 3u);
  expect_at_work();
}

TEST_F(PodWatchFaults, AWatchThatIsIdleIsOpenedAgain) {
  limits.idle = std::chrono::milliseconds(200);
  server.put_pod("web-0", "a");
  start();
  ASSERT_TRUE(watches(3));
  EXPECT_EQ(list_requests().size(), 1u);
  EXPECT_THAT(troubles, ElementsAre());
  expect_at_work();
}

TEST_F(PodWatchFaults, AServerThatHangsIsAskedAgain) {
  limits.deadline = std::chrono::milliseconds(500);
  server.instead("limit=500", [](Exchange& e) { e.hang(); });
  server.put_pod("web-0", "a");
  start();
  ASSERT_TRUE(watches(1));
  EXPECT_THAT(troubles, testing::Contains(HasSubstr("no answer within the deadline")));
  expect_at_work();
}

TEST_F(PodWatchFaults, AVeryShortWatchWithoutAnEventIsAnError) {
  start_well();
  server.instead(
      "watch=1",
      [](Exchange& e) {
        e.begin();
        e.end();
      },
      3);
  end_watches();
  ASSERT_TRUE(watches(5));
  EXPECT_EQ(list_requests().size(), 4u);
  EXPECT_EQ(cluster.time.waits.size(), 3u);
  expect_at_work();
  ASSERT_FALSE(troubles.empty());
  EXPECT_THAT(troubles[0], HasSubstr("ended at once, without an event"));
}

TEST_F(PodWatchFaults, WhatIsNoEventIsListedAfresh) {
  start_well();
  const std::vector<std::string> bad{
      "garbage",
      "{}",
      R"({"type":"ADDED"})",
      R"({"type":"NEWS","object":{"metadata":{"resourceVersion":"7"}}})",
      R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"7","name":"web-1"}}})",
      R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":null}}})",
      R"({"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError","message":"m"}})",
      "\xff\xfe"};
  for (const std::string& line : bad) server.instead("watch=1", one_line_of(line));
  end_watches();
  ASSERT_TRUE(watches(2 + bad.size()));
  EXPECT_EQ(list_requests().size(), 1 + bad.size());
  EXPECT_EQ(cluster.time.waits.size(), bad.size());
  expect_at_work();
}

TEST_F(PodWatchFaults, AListThatIsNoneIsRepeated) {
  const std::vector<std::string> bad{"",
                                     "garbage",
                                     "{}",
                                     "[]",
                                     R"({"metadata":{}})",
                                     R"({"metadata":{"resourceVersion":"1"},"items":{}})",
                                     R"({"metadata":{"resourceVersion":"1"},"items":[{}]})"};
  for (const std::string& body : bad) server.instead("limit=500", [=](Exchange& e) { e.answer(200, body); });
  server.instead("limit=500", refuse(500), 2);
  server.put_pod("web-0", "a");
  start();
  ASSERT_TRUE(watches(1));
  EXPECT_EQ(list_requests().size(), bad.size() + 3);
  EXPECT_EQ(cluster.time.waits.size(), bad.size() + 2);
  EXPECT_EQ(changes, 1);
  expect_at_work();
}

TEST_F(PodWatchFaults, AMissingRoleIsNamedOnceWithItsFix) {
  server.instead("/pods?", refuse(403, "Forbidden"), 5);
  server.put_pod("web-0", "a");
  start();
  ASSERT_TRUE(watches(1));
  expect_at_work();
  EXPECT_THAT(troubles, ElementsAre(AllOf(HasSubstr("the Role lacks pods list in namespace demo"),
                                          HasSubstr("RoleBinding of kubernetes/stateful-set.yaml")),
                                    ""));
}

TEST_F(PodWatchFaults, ATokenThatWasRotatedIsTaken) {
  start_well();
  cluster.account.folder.write("token", "token-2");
  server.accept_token("token-2");
  end_watches();
  ASSERT_TRUE(watches(3));
  expect_at_work();
  EXPECT_THAT(troubles, ElementsAre());
  EXPECT_EQ(list_requests().size(), 1u);
}

TEST_F(PodWatchFaults, ATokenThatIsRefusedIsNamed) {
  start_well();
  cluster.account.folder.write("token", "");
  server.accept_token("token-2");
  end_watches();
  ASSERT_TRUE(cluster.run_until([&] { return !troubles.empty(); }));
  EXPECT_THAT(troubles[0], AllOf(HasSubstr("does not accept this pod's ServiceAccount token"),
                                 HasSubstr("token: empty"), Not(HasSubstr("token-"))));
  cluster.account.folder.write("token", "token-2");
  EXPECT_TRUE(cluster.run_until([&] { return troubles.back().empty(); }));
  expect_at_work();
}

TEST_F(PodWatchFaults, BackoffStartsAgainAfterQuietMinutes) {
  start_well();
  server.instead("watch=1", refuse(429, ""), 3);
  end_watches();
  ASSERT_TRUE(watches(5));
  expect_at_work();
  cluster.time.now += std::chrono::minutes(3);
  server.instead("watch=1", refuse(429, ""));
  end_watches();
  ASSERT_TRUE(watches(7));
  ASSERT_EQ(cluster.time.waits.size(), 4u);
  EXPECT_NEAR(cluster.time.waits[2], 4.8, 1e-9);
  EXPECT_NEAR(cluster.time.waits[3], 1.2, 1e-9);
}

}  // namespace
}  // namespace podium::kubernetes
