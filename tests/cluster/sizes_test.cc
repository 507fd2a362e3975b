// Runs whose pods come late, are many, have odd names, and become more and fewer.
#include <thread>

#include "tests/cluster/long_tests.h"
#include "tests/cluster/training_pods.h"

namespace podium::cluster {
namespace {

class Sizes : public TrainingPods {};

TEST_F(Sizes, PodsThatComeOneAfterTheOtherTrainTogether) {
  // The highest first, the coordinator last, long after the others.
  for (int i = 0; i < 3; ++i) pods_.hold(fmt::format("podium-{}", i));
  deploy({.replicas = 3});
  for (int i = 2; i >= 0; --i) {
    EXPECT_TRUE(wait_until([&] { return !pods_.get(pod(i)).is_null(); }));
    pods_.release(pod(i));
    EXPECT_TRUE(wait_until([&] { return pods_.is_running(pod(i)); }));
    std::this_thread::sleep_for(std::chrono::seconds(is_long() ? 30 : 2));
  }
  EXPECT_TRUE(wait_for_world("0, 1, 2"));
  finish(3);
}

TEST_F(Sizes, TwelvePodsHaveTheirRanksInOrder) {
  deploy({.replicas = 12,
          .options = {"--training.shards=16", "--local_batch_size=4"},
          .worker_options = {"--workers.standby=false", "--workers.form_seconds=300", "--workers.hang_seconds=300",
                             "--workers.lost_seconds=60"}});
  EXPECT_TRUE(wait_for_world("0, 1, 2, 3, 4, 5, 6, 7 and 4 more"));
  finish(12);
}

TEST_F(Sizes, AStatefulSetsNameMayHaveDashesAndDigits) {
  deploy({.name = "a-1-b", .replicas = 2});
  EXPECT_TRUE(wait_for_world("0, 1"));
  finish(2);
}

TEST_F(Sizes, ScaledUpAndDownTheRunGoesOn) {
  deploy({.replicas = 3, .options = {"--training.shards=8"}});
  EXPECT_TRUE(wait_for_world("0, 1, 2"));
  pods_.scale("podium", 5);
  EXPECT_TRUE(wait_for_world("0, 1, 2, 3, 4"));
  pods_.scale("podium", 2);
  EXPECT_TRUE(wait_for_world("0, 1"));
  finish(2);
}

TEST_F(Sizes, TheConfigMapScalesTheRun) {
  deploy({.replicas = 3, .options = {"--training.shards=8"}});
  EXPECT_TRUE(wait_for_world("0, 1, 2"));
  set_worker_count(5);
  EXPECT_TRUE(wait_for_world("0, 1, 2, 3, 4"));
  EXPECT_EQ(pods_.replicas("podium"), 5);
  set_worker_count(2);
  EXPECT_TRUE(wait_for_world("0, 1"));
  EXPECT_EQ(pods_.replicas("podium"), 2);
  finish(2);
}

}  // namespace
}  // namespace podium::cluster
