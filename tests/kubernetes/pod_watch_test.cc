#include "tests/kubernetes/pod_watch_testing.h"

namespace podium::kubernetes {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

TEST_F(PodWatchTest, ListsWhatTheServerHasAtHandAndWatchesFromThere) {
  server.put_pod("web-0", "a");
  server.put_pod("web-1", "b");
  start();
  ASSERT_TRUE(sees({{"web-0", "a"}, {"web-1", "b"}}));
  ASSERT_TRUE(watches(1));
  EXPECT_THAT(server.requests(),
              ElementsAre("GET /api/v1/namespaces/demo/pods?labelSelector=app%3Dweb&limit=500&resourceVersion=0",
                          "GET /api/v1/namespaces/demo/pods?labelSelector=app%3Dweb&watch=1&allowWatchBookmarks=true"
                          "&timeoutSeconds=450&resourceVersion=102"));
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(PodWatchTest, TellsThatThereAreNone) {
  start();
  EXPECT_TRUE(sees({}));
  EXPECT_EQ(changes, 1);
}

TEST_F(PodWatchTest, FollowsPodsThatComeChangeAndGo) {
  start();
  ASSERT_TRUE(sees({}));
  server.put_pod("web-0", "a");
  ASSERT_TRUE(sees({{"web-0", "a"}}));
  server.put_pod("web-0", "a", [](json& pod) { pod["status"] = {{"phase", "Running"}, {"podIP", "10.0.0.1"}}; });
  ASSERT_TRUE(cluster.run_until([&] { return pods["web-0"].ip == "10.0.0.1"; }));
  server.delete_pod("web-0");
  ASSERT_TRUE(sees({}));
  EXPECT_EQ(changes, 4);
}

TEST_F(PodWatchTest, SaysNothingWhenNothingOfInterestChanges) {
  server.put_pod("web-0", "a");
  start();
  ASSERT_TRUE(watches(1));
  server.put_pod("web-0", "a", [](json& pod) { pod["metadata"]["annotations"]["x"] = "y"; });
  server.put_pod("web-1", "b");
  ASSERT_TRUE(sees({{"web-0", "a"}, {"web-1", "b"}}));
  EXPECT_EQ(changes, 2);
}

TEST_F(PodWatchTest, APodThatIsReplacedHasAnotherUid) {
  server.put_pod("web-0", "a");
  start();
  ASSERT_TRUE(sees({{"web-0", "a"}}));
  server.delete_pod("web-0");
  server.put_pod("web-0", "b");
  ASSERT_TRUE(sees({{"web-0", "b"}}));
}

TEST_F(PodWatchTest, ALateEndOfTheOldPodDoesNotRemoveTheNewOne) {
  server.put_pod("web-0", "b");
  server.instead("watch=1", [](FakeApiServer::Exchange& e) {
    json old = pod_object("web-0", "a");
    old["metadata"]["resourceVersion"] = "150";
    e.begin();
    e.chunk(json{{"type", "DELETED"}, {"object", old}}.dump() + "\n");
    e.end();
  });
  start();
  ASSERT_TRUE(watches(2));
  EXPECT_TRUE(sees({{"web-0", "b"}}));
  EXPECT_EQ(changes, 1);
}

TEST_F(PodWatchTest, LeavesOutPodsOfOthersWithTheSameLabels) {
  server.put_pod("web-0", "a");
  server.put_pod("debug", "x", [](json& pod) { pod["metadata"].erase("ownerReferences"); });
  start();
  ASSERT_TRUE(sees({{"web-0", "a"}}));
  server.put_pod("web2-0", "y", [](json& pod) { pod["metadata"]["ownerReferences"][0]["name"] = "web2"; });
  server.put_pod("web-1", "b");
  ASSERT_TRUE(sees({{"web-0", "a"}, {"web-1", "b"}}));
  server.put_pod("web-1", "b", [](json& pod) { pod["metadata"].erase("ownerReferences"); });  // set free
  ASSERT_TRUE(sees({{"web-0", "a"}}));
}

TEST_F(PodWatchTest, GoesOnFromTheLastBookmarkWithoutAList) {
  server.put_pod("web-0", "a");
  start();
  ASSERT_TRUE(watches(1));
  server.bookmark();  // 102
  end_watches();
  ASSERT_TRUE(watches(2));
  server.put_pod("web-1", "b");  // 103
  ASSERT_TRUE(sees({{"web-0", "a"}, {"web-1", "b"}}));
  end_watches();
  ASSERT_TRUE(watches(3));
  EXPECT_THAT(watch_requests(), ElementsAre(EndsWith("=101"), EndsWith("=102"), EndsWith("=103")));
  EXPECT_EQ(list_requests().size(), 1u);
  EXPECT_THAT(cluster.time.waits, ElementsAre());
  EXPECT_THAT(troubles, ElementsAre());
}

TEST_F(PodWatchTest, WatchesOnePodByItsName) {
  server.put_pod("web-0", "a");
  server.put_pod("web-1", "b");
  start(one_pod("demo", "web-0"));
  ASSERT_TRUE(sees({{"web-0", "a"}}));
  server.put_pod("web-2", "c");
  server.delete_pod("web-0");
  ASSERT_TRUE(sees({}));
  server.put_pod("web-0", "d");
  ASSERT_TRUE(sees({{"web-0", "d"}}));
  EXPECT_THAT(server.requests()[0], HasSubstr("pods?labelSelector=&fieldSelector=metadata.name%3Dweb-0&limit=500"));
  EXPECT_EQ(changes, 3);
}

TEST_F(PodWatchTest, ListsInPages) {
  for (int i = 0; i < 1100; ++i) server.put_pod("web-" + std::to_string(i), "u");
  server.instead("resourceVersion=0",
                 [](FakeApiServer::Exchange& e) { e.answer(410, status_body(410, "Expired", "")); });
  start();
  ASSERT_TRUE(watches(1));
  EXPECT_EQ(pods.size(), 1100u);
  EXPECT_EQ(changes, 1);
  ASSERT_EQ(list_requests().size(), 4u);
  EXPECT_THAT(list_requests()[2], HasSubstr("limit=500&continue=1200%2Fweb-"));
}

TEST_F(PodWatchTest, EndsInTheMiddleOfACall) {
  server.put_pod("web-0", "a");
  watch.emplace(cluster.io, cluster.credentials(), pods_of("demo", "web", "app=web"),
                PodWatch::Handlers{[this](const PodsByName&) {
                                     ++changes;
                                     watch.reset();
                                   },
                                   nullptr},
                cluster.time.time());
  ASSERT_TRUE(cluster.run_until([&] { return changes == 1; }));
  cluster.io.restart();
  cluster.io.run();  // comes to an end by itself
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(watch_requests().size(), 0u);
}

TEST_F(PodWatchTest, EndsWhileItWatchesOrWaits) {
  for (const bool is_away : {false, true}) {
    start();
    ASSERT_TRUE(watches(is_away ? 2 : 1));
    if (is_away) {
      server.stop();
      ASSERT_TRUE(cluster.run_until([&] { return cluster.time.waits.size() >= 2; }));
    }
    watch.reset();
    const int before = changes;
    cluster.io.restart();
    cluster.io.run();
    EXPECT_EQ(changes, before);
  }
}

}  // namespace
}  // namespace podium::kubernetes
