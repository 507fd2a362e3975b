#include "coordinator/kubernetes/stateful_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kubernetes/kubernetes_testing.h"

namespace podium::kubernetes {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Exchange = FakeApiServer::Exchange;

struct StatefulSetTest : testing::Test {
  Cluster cluster;
  ApiConnection connection{cluster.io, cluster.credentials(), cluster.time.time()};
};

TEST_F(StatefulSetTest, IsReadWithItsReplicasAndLabels) {
  const auto set = cluster.run(get_stateful_set(connection, "web"));
  ASSERT_TRUE(set.value) << set.error->what();
  EXPECT_EQ(*set.value, (StatefulSet{.name = "web", .uid = "set-uid", .replicas = 3, .labels = "app=web"}));
}

TEST_F(StatefulSetTest, IsScaledThroughItsSubresource) {
  EXPECT_EQ(cluster.run(get_scale(connection, "web")).value, 3u);
  EXPECT_EQ(cluster.run(patch_scale(connection, "web", 5)).value, 5u);
  EXPECT_EQ(cluster.server.replicas(), 5);
  EXPECT_EQ(cluster.run(patch_scale(connection, "web", 0)).value, 0u);  // which the API leaves out
  EXPECT_EQ(cluster.run(get_scale(connection, "web")).value, 0u);
  const std::string target = "/apis/apps/v1/namespaces/demo/statefulsets/web/scale";
  EXPECT_THAT(cluster.server.requests(),
              ElementsAre("GET " + target, "PATCH " + target, "PATCH " + target, "GET " + target));
}

TEST_F(StatefulSetTest, SaysWhatTheRoleLacks) {
  cluster.server.instead(
      "/statefulsets",
      [](Exchange& e) {
        e.answer(403, status_body(403, "Forbidden", "User \"system:serviceaccount:demo:podium\" cannot patch"));
      },
      3);
  EXPECT_THAT(cluster.run(patch_scale(connection, "web", 0)).error->what(),
              AllOf(HasSubstr("the Role lacks statefulsets/scale patch on web in namespace demo"),
                    HasSubstr("kubernetes/stateful-set.yaml"), HasSubstr("cannot patch")));
  EXPECT_THAT(cluster.run(get_scale(connection, "web")).error->what(),
              HasSubstr("lacks statefulsets/scale get on web"));
  const auto refused = cluster.run(get_stateful_set(connection, "web"));
  EXPECT_THAT(refused.error->what(), HasSubstr("the Role lacks statefulsets get on web"));
  EXPECT_EQ(refused.error->details.code, 403);
}

TEST_F(StatefulSetTest, ThatIsNotThereIsNamed) {
  EXPECT_THAT(cluster.run(get_stateful_set(connection, "other")).error->what(),
              HasSubstr("there are no statefulsets named other in namespace demo"));
}

TEST_F(StatefulSetTest, AnswersThatAreNoneAreMalformed) {
  for (const char* body : {"{}", "[]", "{\"spec\":7}", "{\"spec\":{\"replicas\":-1}}",
                           "{\"spec\":{\"replicas\":\"3\"}}", "{\"spec\":{\"replicas\":99999999999}}"}) {
    cluster.server.instead(
        "/statefulsets", [=](Exchange& e) { e.answer(200, body); }, 2);
    const auto scale = cluster.run(get_scale(connection, "web"));
    ASSERT_TRUE(scale.error) << body;
    EXPECT_EQ(scale.error->kind, ApiError::Kind::kMalformed) << body;
    EXPECT_EQ(cluster.run(get_stateful_set(connection, "web")).error->kind, ApiError::Kind::kMalformed) << body;
  }
}

}  // namespace
}  // namespace podium::kubernetes
