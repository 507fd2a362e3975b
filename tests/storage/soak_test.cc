// Snapshots in a bucket that fails by chance: SOAK_SCHEDULES schedules (100) from the seed SOAK_SEED (1) on.
#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/storage/soak_schedule.h"
#include "worker/base/error.h"

namespace podium {
namespace {

uint64_t number_of(const char* variable, uint64_t otherwise) {
  const char* text = ::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(StorageSoak, NoAcknowledgedSnapshotIsLostAndNoPartialOneChosen) {
  const uint64_t first = number_of("SOAK_SEED", 1), schedules = number_of("SOAK_SCHEDULES", 100);
  SoakCounts all;
  for (uint64_t seed = first; seed < first + schedules; ++seed) {
    SCOPED_TRACE(fmt::format("SOAK_SEED={} SOAK_SCHEDULES=1", seed));
    const SoakCounts counts = run_soak_schedule(seed);
    all.written += counts.written;
    all.refused += counts.refused;
    all.opened += counts.opened;
    all.requests += counts.requests;
    all.composed += counts.composed;
    all.ranges += counts.ranges;
    for (const auto& [name, times] : counts.faults) all.faults[name] += times;
    if (HasFailure()) break;
  }
  fmt::print(
      "seeds {} to {}: {} snapshots written, {} attempts refused, {} read back; {} requests, {} of them compose, {} "
      "read further ranges; faults:",
      first, first + schedules - 1, all.written, all.refused, all.opened, all.requests, all.composed, all.ranges);
  for (const auto& [name, times] : all.faults) fmt::print(" {} {}", times, name);
  fmt::print("\n");
  EXPECT_EQ(all.opened, all.written);
  if (schedules >= 100) {
    EXPECT_EQ(all.faults.size(), 16u) << "a kind of fault did not occur";
    EXPECT_GT(all.composed, schedules / 2);
    EXPECT_GT(all.ranges, schedules);
  }
}

}  // namespace
}  // namespace podium
