#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/coordinator/simulated_cluster.h"

namespace podium {
namespace {

constexpr uint64_t kSequencesPerTest = 1000;
constexpr int kFaultSteps = 30, kMostCalmSteps = 200;

MembershipOptions options_of(CounterRandom& random) {
  MembershipOptions options;
  options.expected_workers = static_cast<uint32_t>(1 + random.below(4));
  options.minimum_workers = static_cast<uint32_t>(random.below(3));
  options.form_seconds = 2;
  options.lost_seconds = 2;
  options.hang_seconds = 4;
  options.start_seconds = 6;
  options.failures_in_a_row = options.fruitless_in_a_row = 1000;  // faults without number must not end the run here
  return options;
}

class RandomFaults : public testing::TestWithParam<uint64_t> {};

TEST_P(RandomFaults, NeverBreakARuleAndTrainingGoesOnAfterwards) {
  int worlds = 0, finished = 0;
  for (uint64_t sequence = 0; sequence < kSequencesPerTest; ++sequence) {
    SCOPED_TRACE(fmt::format("sequence {} of {}", sequence, GetParam()));
    CounterRandom random(20, GetParam(), sequence);
    const MembershipOptions options = options_of(random);
    const bool finishes = random.below(4) == 0;
    SimulatedCluster cluster(options, random, finishes ? 20 : 1'000'000);
    for (int i = 0; i < kFaultSteps; ++i) cluster.step(true);
    int calm = 0;
    do cluster.step(false);
    while (!cluster.is_well() && ++calm < kMostCalmSteps);
    ASSERT_TRUE(cluster.is_well()) << cluster.describe();
    worlds += cluster.referee().worlds();
    finished += finishes;
    if (HasFailure()) return;
  }
  // The simulation is worth something: worlds come and go.
  EXPECT_GT(worlds, static_cast<int>(2 * kSequencesPerTest));
  EXPECT_GT(finished, 0);
}

INSTANTIATE_TEST_SUITE_P(Of10000Sequences, RandomFaults, testing::Range<uint64_t>(0, 10));

}  // namespace
}  // namespace podium
