// Peers found through the API of the fake server, which holds pods of the StatefulSet `web`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/discovery/kubernetes_discovery.h"
#include "tests/error_of.h"
#include "tests/kubernetes/kubernetes_testing.h"

namespace podium {
namespace {

using kubernetes::Cluster;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Exchange = FakeApiServer::Exchange;

void runs_at(json& pod, const std::string& ip) { pod["status"] = {{"phase", "Running"}, {"podIP", ip}}; }

struct KubernetesDiscoveryTest : testing::Test {
  void start(uint32_t ordinal, const std::string& uid = "own") {
    const std::string name = fmt::format("web-{}", ordinal);
    discovery.emplace(
        cluster.io, cluster.credentials(),
        KubernetesDiscovery::Options{{{ordinal, name, uid, "10.0.0.1"}, "web"}, 7421, cluster.time.time()});
    discovery->watch({
        .coordinator = [this](const std::string& address) { coordinators.push_back(address); },
        .expected = [this](uint32_t workers) { expected.push_back(workers); },
        .pods = [this](const SeenPods& seen) { pods = seen; },
        .awaiting = [this](const std::string& text) { awaiting.push_back(text); },
        .trouble = [this](const std::string& text) { troubles.push_back(text); },
    });
  }
  bool until(const std::function<bool()>& is_reached) { return cluster.run_until(is_reached); }

  Cluster cluster;
  FakeApiServer& server = cluster.server;
  std::optional<KubernetesDiscovery> discovery;
  std::vector<std::string> coordinators, awaiting, troubles;
  std::vector<uint32_t> expected;
  SeenPods pods;
};

TEST_F(KubernetesDiscoveryTest, OrdinalZeroIsTheCoordinatorAndFollowsItsStatefulSet) {
  server.put_pod("web-0", "own");
  server.put_pod("web-1", "b", [](json& pod) { runs_at(pod, "10.0.0.2"); });
  start(0);
  EXPECT_THAT(coordinators, ElementsAre("10.0.0.1:7421"));
  ASSERT_TRUE(until([&] { return pods.size() == 3; }));
  EXPECT_THAT(expected, ElementsAre(3));
  EXPECT_EQ(pods[1].uid, "b");
  EXPECT_THAT(pods[1].text, HasSubstr("pod web-1 is Running"));
  EXPECT_EQ(pods[2], (SeenPod{"", "there is no pod web-2 yet; see kubectl describe statefulset web"}));
  EXPECT_THAT(troubles, IsEmpty());
}

TEST_F(KubernetesDiscoveryTest, OrdinalZeroKnowsWhichPodsAreAlive) {
  start(0);
  EXPECT_FALSE(discovery->knows_pods());
  EXPECT_THAT(discovery->refuse_pod("web-1", "b").value_or("none"), HasSubstr("have not been read yet"));
  EXPECT_EQ(discovery->refuse_pod("web-0", "own"), std::nullopt);
  server.put_pod("web-1", "b");
  ASSERT_TRUE(until([&] { return pods[1].uid == "b"; }));
  EXPECT_TRUE(discovery->knows_pods());
  EXPECT_EQ(discovery->refuse_pod("web-1", "b"), std::nullopt);
  EXPECT_THAT(discovery->refuse_pod("web-1", "a").value_or("none"),
              HasSubstr("pod web-1 has the uid b now; this one, a, was replaced"));
  EXPECT_THAT(discovery->refuse_pod("web-2", "c").value_or("none"), HasSubstr("StatefulSet web has no pod web-2"));
}

TEST_F(KubernetesDiscoveryTest, OrdinalZeroCanSayWhyItDoesNotKnowThePods) {
  server.stop();
  start(0);
  EXPECT_FALSE(discovery->knows_pods());
  ASSERT_TRUE(until([&] { return !troubles.empty(); }));
  EXPECT_TRUE(discovery->knows_pods());
  EXPECT_THAT(discovery->refuse_pod("web-1", "b").value_or("none"),
              AllOf(HasSubstr("have not been read yet"), HasSubstr("connection refused")));
}

TEST_F(KubernetesDiscoveryTest, APodOfAnotherOwnerIsNone) {
  server.put_pod("web-0", "own");
  server.put_pod("web-1", "b", [](json& pod) { pod["metadata"]["ownerReferences"][0]["name"] = "other"; });
  start(0);
  ASSERT_TRUE(until([&] { return pods.size() == 3; }));
  EXPECT_EQ(pods[1].uid, "");
  EXPECT_TRUE(discovery->refuse_pod("web-1", "b"));
}

TEST_F(KubernetesDiscoveryTest, ANewPodTellsOfAScaling) {
  start(0);
  ASSERT_TRUE(until([&] { return pods.size() == 3; }));
  kubernetes::ApiConnection connection(cluster.io, cluster.credentials(), cluster.time.time());
  cluster.run(kubernetes::patch_scale(connection, "web", 5));
  server.put_pod("web-3", "d");
  ASSERT_TRUE(until([&] { return expected.back() == 5; }));
  ASSERT_TRUE(until([&] { return pods.size() == 5; }));
}

TEST_F(KubernetesDiscoveryTest, AnEmptyStatefulSetIsNoNumberOfWorkers) {
  start(0);
  ASSERT_TRUE(until([&] { return !expected.empty(); }));
  kubernetes::ApiConnection connection(cluster.io, cluster.credentials(), cluster.time.time());
  cluster.run(kubernetes::patch_scale(connection, "web", 0));
  const size_t reads = server.requests("GET /apis/apps/v1/namespaces/demo/statefulsets/web").size();
  ASSERT_TRUE(
      until([&] { return server.requests("GET /apis/apps/v1/namespaces/demo/statefulsets/web").size() > reads + 1; }));
  EXPECT_THAT(expected, ElementsAre(3));
}

// What is possible goes on: pods can be told by their owner.
TEST_F(KubernetesDiscoveryTest, WithoutTheRightToReadItsStatefulSetItSaysSoAndWatchesPods) {
  server.put_pod("web-1", "b");
  server.instead(
      "/statefulsets/web",
      [](Exchange& exchange) {
        exchange.answer(403, status_body(403, "Forbidden", "statefulsets.apps \"web\" is forbidden"), "");
      },
      3);
  start(0);
  ASSERT_TRUE(until([&] { return pods[1].uid == "b"; }));
  EXPECT_THAT(troubles.at(0), AllOf(HasSubstr("the Role lacks statefulsets get on web in namespace demo"),
                                    HasSubstr("kubernetes/stateful-set.yaml")));
  ASSERT_TRUE(until([&] { return !expected.empty(); }));
  EXPECT_EQ(troubles.back(), "");
}

TEST_F(KubernetesDiscoveryTest, TheOthersReadOnePodAndFollowItsAddress) {
  start(1);
  ASSERT_TRUE(until([&] { return !awaiting.empty(); }));
  EXPECT_THAT(awaiting, ElementsAre("there is no pod web-0 in namespace demo"));
  server.put_pod("web-0", "a");
  server.put_pod("web-0", "a", [](json& pod) { runs_at(pod, "10.0.0.7"); });
  ASSERT_TRUE(until([&] { return coordinators.size() == 1; }));
  EXPECT_EQ(coordinators.back(), "10.0.0.7:7421");
  // It ends, and serves until it has; then another takes its place.
  server.put_pod("web-0", "a", [](json& pod) {
    runs_at(pod, "10.0.0.7");
    pod["metadata"]["deletionTimestamp"] = "2026-11-21T10:00:00Z";
  });
  server.delete_pod("web-0");
  ASSERT_TRUE(until([&] { return coordinators.size() == 2; }));
  EXPECT_EQ(coordinators.back(), "");
  server.put_pod("web-0", "b", [](json& pod) { runs_at(pod, "fd00::7"); });
  ASSERT_TRUE(until([&] { return coordinators.size() == 3; }));
  EXPECT_EQ(coordinators.back(), "[fd00::7]:7421");
  EXPECT_THAT(expected, IsEmpty());
  for (const std::string& request : server.requests())
    EXPECT_THAT(request, HasSubstr("fieldSelector=metadata.name%3Dweb-0"));
}

TEST_F(KubernetesDiscoveryTest, SaysWhyTheCoordinatorIsNotThere) {
  server.put_pod("web-0", "a", [](json& pod) {
    pod["status"]["conditions"] = json::array({{{"type", "PodScheduled"},
                                                {"status", "False"},
                                                {"reason", "Unschedulable"},
                                                {"message", "0/3 nodes are available: 3 Insufficient cpu."}}});
  });
  start(1);
  ASSERT_TRUE(until([&] { return !awaiting.empty(); }));
  EXPECT_THAT(awaiting.back(), AllOf(HasSubstr("pod web-0 is Pending"), HasSubstr("lower resources.requests")));
  EXPECT_THAT(coordinators, IsEmpty());
}

// ---- which pod this is

TEST(PodIdentity, ComesFromTheDownwardApi) {
  for (const char* variable : {"POD_NAME", "THIS_POD_NAME"}) {
    const PodIdentity pod = pod_identity({{variable, "a-1-b-12"}, {"POD_UID", "u"}, {"POD_IP", "10.0.0.9"}}, nullptr);
    EXPECT_EQ(pod.peer.name, "a-1-b-12");
    EXPECT_EQ(pod.peer.ordinal, 12u);
    EXPECT_EQ(pod.peer.uid, "u");
    EXPECT_EQ(pod.peer.address, "10.0.0.9");
    EXPECT_EQ(pod.stateful_set, "a-1-b");
    EXPECT_EQ(pod.name_of(0), "a-1-b-0");
  }
}

TEST(PodIdentity, SaysWhatTheManifestLacks) {
  EXPECT_THAT(error_of([] {
                pod_identity({{"POD_UID", "u"}}, nullptr);
              }),
              AllOf(HasSubstr("POD_NAME is not set"), HasSubstr("metadata.name")));
  EXPECT_THAT(error_of([] {
                pod_identity({{"POD_NAME", "podium-7d9f-abc"}}, nullptr);
              }),
              AllOf(HasSubstr("pod podium-7d9f-abc has no ordinal"), HasSubstr("StatefulSet")));
}

}  // namespace
}  // namespace podium
