#include "coordinator/kubernetes/backoff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace podium::kubernetes {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToThirtySecondsWithAsMuchAgainByChance) {
  Backoff least, half;
  Instant now{1h};
  for (const auto& base : {800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms, 30000ms, 30000ms}) {
    EXPECT_EQ(least.next(now, 0.0), base);
    EXPECT_EQ(half.next(now, 0.5), base * 3 / 2);
    now += base;
  }
}

TEST(Backoff, StartsAgainAfterTwoQuietMinutes) {
  Backoff backoff;
  Instant now{1h};
  now += backoff.next(now, 0.0);
  EXPECT_EQ(backoff.next(now + 2min, 0.0), 1600ms);  // not quiet for longer than that
  now += 2min + 1600ms;
  EXPECT_EQ(backoff.next(now + 2min + 1ms, 0.0), 800ms);
}

TEST(Backoff, WaitsAtLeastWhatTheServerAsks) {
  Backoff backoff;
  EXPECT_EQ(backoff.next(Instant(1h), 0.0, 60s), 60s);
  EXPECT_EQ(backoff.next(Instant(1h), 0.0, 1s), 1600ms);
}

}  // namespace
}  // namespace podium::kubernetes
