#include "worker/collective/tree_allreduce.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "tests/collective/collective_checks.h"
#include "tests/collective/thread_ranks.h"

namespace podium {
namespace {

constexpr int64_t kChunk = 4096;

class TreeAllreduceOfThreads : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, TreeAllreduceOfThreads, testing::Values(1, 2, 3, 4, 5, 7, 8),
                         testing::PrintToStringParamName());

void check_in_threads(int ranks, const TreeAllreduceCase& test) {
  run_as_threads(ranks, test.seed, [&](Communicator& world) { check_tree_allreduce(world, test); });
}

TEST_P(TreeAllreduceOfThreads, GivesTheBitsOfTheTreeAddedInOneThread) {
  uint64_t seed = 0;
  for (int64_t size : {1, 4095, 4096, 4097, 100'003})
    for (int64_t shards : {1, 2, 8, 12, 16}) {
      CounterRandom random(++seed, 0, 0);
      TreeAllreduceCase test{seed, size, shards};
      test.bucket = kChunk * static_cast<int64_t>(1 + random.below(12));
      test.own_result = random.below(2) == 0;
      test.spoiled = random.below(2) == 0;
      check_in_threads(GetParam(), test);
    }
}

TEST_P(TreeAllreduceOfThreads, TakesManyStepsOfRanksThatAreNotInStep) {
  for (const bool own_result : {false, true}) {
    TreeAllreduceCase test{20, 45'000, 8, 2 * kChunk, own_result};
    test.delays = true;
    test.steps = 12;
    check_in_threads(GetParam(), test);
  }
}

TEST_P(TreeAllreduceOfThreads, AnEmptyGradientHasAnEmptySum) { check_in_threads(GetParam(), {1, 0, 8}); }

// Negative control: had the order no influence, the tests above would prove nothing.
TEST(TreeAllreduce, TheSumOfTheSameNumbersFromLeftToRightDiffers) {
  constexpr int64_t kShards = 8, kSize = 10'000;
  std::vector<float> plain = gradient_of(1, 0, 0, kSize, false);
  for (int64_t shard = 1; shard < kShards; ++shard) add_numbers(plain, gradient_of(1, 0, shard, kSize, false));

  Alone world;
  TreeAllreduce alone(world, {kSize, kShards, kChunk, kChunk, add_numbers, square_chunks});
  ASSERT_EQ(alone.my_nodes(), (std::vector<ShardRange>{{0, kShards}}));
  std::vector<std::vector<float>> values;
  for (int64_t shard = 0; shard < kShards; ++shard) values.push_back(gradient_of(1, 0, shard, kSize, false));
  for (size_t distance = 1; distance < kShards; distance *= 2)
    for (size_t left = 0; left < kShards; left += 2 * distance) add_numbers(values[left], values[left + distance]);
  alone.begin({values[0].data()}, values[0].data());
  alone.ready(0, kSize);
  alone.finish();
  EXPECT_NE(values[0], plain);
}

TEST(TreeAllreduce, AddsAndSquaresOutsideOfReady) {
  int calls = 0;
  Alone world;
  TreeAllreduce allreduce(world, {kChunk, 1, kChunk, kChunk, add_numbers, [&](auto values, auto sums) {
                                    ++calls;
                                    square_chunks(values, sums);
                                  }});
  std::vector<float> node(kChunk, 2.0f);
  allreduce.begin({node.data()}, node.data());
  allreduce.ready(0, kChunk);
  EXPECT_EQ(calls, 0);
  allreduce.progress();
  EXPECT_EQ(calls, 1);
  allreduce.finish();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(allreduce.chunk_squares()[0], 4.0 * kChunk);
}

TEST(TreeAllreduce, CallsBackWhileItWaitsForALateRank) {
  std::atomic<bool> called{false};
  run_as_threads(2, 1, [&](Communicator& world) {
    TreeAllreduce allreduce(world, {kChunk, 2, kChunk, kChunk, add_numbers, square_chunks});
    std::vector<float> node(kChunk, 1.0f);
    while (world.rank() == 1 && !called) std::this_thread::yield();
    allreduce.begin({node.data()}, node.data());
    allreduce.ready(0, kChunk);
    allreduce.finish([&] { called = true; });
    EXPECT_EQ(node, std::vector<float>(kChunk, 2.0f));
  });
}

TEST(TreeAllreduceDeathTest, MisuseIsABug) {
  Alone world;
  TreeAllreduceOptions options{2 * kChunk, 1, kChunk, kChunk, add_numbers, square_chunks};
  TreeAllreduce allreduce(world, options);
  std::vector<float> node(2 * kChunk);
  EXPECT_DEATH(allreduce.ready(0, 1), "in_step");
  EXPECT_DEATH(allreduce.begin({}, node.data()), "0 buffers for 1 nodes");
  allreduce.begin({node.data()}, node.data());
  EXPECT_DEATH(allreduce.begin({node.data()}, node.data()), "in_step");
  EXPECT_DEATH(allreduce.ready(0, 2 * kChunk + 1), "of 8192");
  allreduce.ready(0, kChunk);
  EXPECT_DEATH(allreduce.ready(kChunk - 1, 2 * kChunk), "reported twice");
  EXPECT_DEATH(allreduce.finish(), "4096 numbers were never reported");
  allreduce.ready(kChunk, 2 * kChunk);
  allreduce.finish();
  options.bucket = kChunk + 1;
  EXPECT_DEATH(TreeAllreduce(world, options), "in buckets of 4097");
}

}  // namespace
}  // namespace podium
