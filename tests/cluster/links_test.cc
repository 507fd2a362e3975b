// Pods whose links are cut, and pods with the addresses of others.
#include "tests/cluster/training_pods.h"

namespace podium::cluster {
namespace {

class Links : public TrainingPods {
 protected:
  void SetUp() override {
    TrainingPods::SetUp();
    deploy({.replicas = 3});
    ASSERT_TRUE(wait_for_world("0, 1, 2"));
  }
  // The others find that pod 2 is lost, go on without it, and take it back.
  void expect_a_detour(void (*cut)(const std::string& network)) {
    const std::string network = pods_.network(pod(2));
    const size_t before = worlds("0, 1, 2");
    cut(network);
    EXPECT_TRUE(wait_for_world("0, 1"));
    mend(network);
    EXPECT_TRUE(wait_for_world("0, 1, 2", before));
    finish(3);
  }
};

TEST_F(Links, ACutLinkCostsAPodUntilItIsMended) { expect_a_detour(cut); }
TEST_F(Links, APodThatOnlyReceives) { expect_a_detour(cut_out); }
TEST_F(Links, APodThatOnlySends) { expect_a_detour(cut_in); }

TEST_F(Links, AddressesMayBecomeOtherPods) {
  const std::string uids[] = {pods_.uid(pod(1)), pods_.uid(pod(2))};
  const std::string addresses[] = {pods_.address(pod(1)), pods_.address(pod(2))};
  const size_t before = worlds("0, 1, 2");
  for (const int i : {1, 2}) {
    pods_.hold(pod(i));
    pods_.write_control("address", pod(i), addresses[2 - i]);
    pods_.remove(pod(i));
  }
  for (const int i : {1, 2})
    ASSERT_TRUE(wait_until([&] {
      const std::string uid = pods_.uid(pod(i));
      return !uid.empty() && uid != uids[i - 1];
    }));
  for (const int i : {1, 2}) pods_.release(pod(i));
  EXPECT_TRUE(wait_for_world("0, 1, 2", before));
  EXPECT_EQ(pods_.address(pod(1)), addresses[1]);
  EXPECT_EQ(pods_.address(pod(2)), addresses[0]);
  finish(3);
}

// Deleted by force, as one does when its node does not answer: two pods of one name run, and one counts.
TEST_F(Links, AnOldPodThatStillRunsIsReplaced) {
  const size_t before = worlds("0, 1, 2");
  const std::string uid = pods_.uid(pod(2));
  const pid_t old = pods_.process(pod(2));
  pods_.write_control("linger", pod(2), "");
  pods_.remove(pod(2), 0);
  EXPECT_TRUE(wait_until([&] { return pods_.is_running(pod(2)) && pods_.uid(pod(2)) != uid; }));
  EXPECT_TRUE(wait_for_world("0, 1, 2", before));
  EXPECT_EQ(::kill(old, 0), 0) << "the old one ended, and proved nothing";
  EXPECT_TRUE(wait_for_steps(20));
  EXPECT_TRUE(wait_for_log(
      2, fmt::format("pod {} has the uid {} now; this one, {}, was replaced", pod(2), pods_.uid(pod(2)), uid)));
  fs::remove(pods_.control("linger", pod(2)));
  finish(3);
}

}  // namespace
}  // namespace podium::cluster
