// The control plane or the right to ask it is away while workers train.
#include "tests/cluster/training_pods.h"

namespace podium::cluster {
namespace {

class ApiFaults : public TrainingPods {
 protected:
  ControlPlane& control_plane() { return the_cluster().control_plane(); }
  void start_training() {
    deploy({.replicas = 3});
    ASSERT_TRUE(wait_for_world("0, 1, 2"));
  }
};

TEST_F(ApiFaults, AKilledApiServerIsNotMissedUntilAPodIsLost) {
  start_training();
  const pid_t lost = pods_.process(pod(2));
  const size_t before = worlds("0, 1, 2");
  control_plane().kill("kube-apiserver");
  expect_untouched();
  // It cannot find the coordinator now; the others go on.
  ::kill(lost, SIGKILL);
  EXPECT_TRUE(wait_for_world("0, 1"));
  control_plane().start("kube-apiserver");
  EXPECT_TRUE(wait_for_world("0, 1, 2", before));
  finish(3);
}

TEST_F(ApiFaults, AnApiServerThatHangsIsNotMissed) {
  start_training();
  control_plane().stop("kube-apiserver");
  expect_untouched();
  control_plane().go_on("kube-apiserver");
  expect_that_a_pod_is_replaced();
  finish(3);
}

TEST_F(ApiFaults, EtcdIsNotMissed) {
  if (!control_plane().is_real()) GTEST_SKIP() << "the small API server has no etcd";
  start_training();
  control_plane().kill("etcd");
  expect_untouched();
  control_plane().start("etcd");
  ASSERT_TRUE(wait_until([&] { return control_plane().serves(); }));
  expect_that_a_pod_is_replaced();
  finish(3);
}

TEST_F(ApiFaults, WithoutARoleTheLogSaysWhatIsMissing) {
  deploy({.replicas = 3, .has_role = false});
  EXPECT_TRUE(wait_for_log(0, "the Role lacks"));
  EXPECT_TRUE(wait_for_log(1, "the Role lacks"));
  give_role();
  EXPECT_TRUE(wait_for_world("0, 1, 2"));
  finish(3);
}

TEST_F(ApiFaults, ARoleBindingTakenAwayDoesNotStopTraining) {
  start_training();
  const std::string binding = Cluster::path("rolebindings", pods_.name_space(), "podium");
  ASSERT_TRUE(api().remove(binding, nlohmann::json::object()).is_ok());
  expect_untouched();
  give_role();
  expect_that_a_pod_is_replaced();
  finish(3);
}

}  // namespace
}  // namespace podium::cluster
