// Runs of three pods that begin, end, and lose pods and containers between.
#include "tests/cluster/training_pods.h"

namespace podium::cluster {
namespace {

using testing::HasSubstr;

class LostPods : public TrainingPods {
 protected:
  void SetUp() override {
    TrainingPods::SetUp();
    deploy({.replicas = 3});
    ASSERT_TRUE(wait_for_step(5)) << "no world was formed";
  }
  // Waits for another pod of the same name, which trains with the others.
  void expect_replaced(int ordinal, const std::string& uid, size_t worlds_before) {
    EXPECT_TRUE(wait_until([&] { return pods_.is_running(pod(ordinal)) && pods_.uid(pod(ordinal)) != uid; }));
    EXPECT_TRUE(wait_for_world("0, 1, 2", worlds_before));
  }
};

TEST_F(LostPods, AFinishedRunScalesItselfToZeroAndIsNotRepeated) {
  finish(3);
  // Somebody scales it up: the marker is found, and it is scaled to 0 again, with nothing trained.
  const size_t steps = run().steps_logged();
  pods_.scale("podium", 2);
  EXPECT_TRUE(wait_until([&] { return pods_.replicas("podium") == 0 && pods_.names().empty(); }));
  EXPECT_EQ(run().steps_logged(), steps);
}

TEST_F(LostPods, ADeletedPodIsReplaced) {
  const std::string uid = pods_.uid(pod(2));
  const size_t before = worlds("0, 1, 2");
  pods_.remove(pod(2));
  expect_replaced(2, uid, before);
  finish(3);
}

TEST_F(LostPods, TheDeletedCoordinatorsPodIsReplaced) {
  const std::string uid = pods_.uid(pod(0));
  const size_t before = worlds("0, 1, 2");
  pods_.remove(pod(0));
  expect_replaced(0, uid, before);
  finish(3);
}

TEST_F(LostPods, AllDeletedAtOnceGoOnFromTheirSnapshot) {
  const size_t before = worlds("0, 1, 2");
  for (int i = 0; i < 3; ++i) pods_.remove(pod(i));
  EXPECT_TRUE(wait_for_world("0, 1, 2", before));
  finish(3);
}

// Its memory volume outlives it. There is no snapshot that could do it instead.
TEST_F(TrainingPods, KilledContainersAdoptTheirMemory) {
  deploy({.replicas = 3, .options = {"--snapshots.every_steps=0"}});
  ASSERT_TRUE(wait_for_step(5)) << "no world was formed";
  std::vector<std::string> uids;
  for (int i = 0; i < 3; ++i) uids.push_back(pods_.uid(pod(i)));
  for (int i = 0; i < 3; ++i) pods_.kill_container(pod(i));
  const int64_t step = run().last_step();
  ASSERT_TRUE(wait_until([&] { return run().last_step() > step + 3; }));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pods_.uid(pod(i)), uids[static_cast<size_t>(i)]);
  EXPECT_THAT(pods_.log(pod(1)), HasSubstr("life 1"));
  // Each end of a world may cost the step under way, which is computed and logged again.
  EXPECT_LE(run().steps_logged(), run().losses().size() + 4);
  finish(3);
}

}  // namespace
}  // namespace podium::cluster
