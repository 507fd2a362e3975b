#include "worker/console/format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace podium {
namespace {

TEST(FormatDuration, NamesTheTwoLargestUnits) {
  EXPECT_EQ(format_duration(0), "0s");
  EXPECT_EQ(format_duration(45.4), "45s");
  EXPECT_EQ(format_duration(59.6), "1m00s");
  EXPECT_EQ(format_duration(590), "9m50s");
  EXPECT_EQ(format_duration(3599.4), "59m59s");
  EXPECT_EQ(format_duration(3600), "1h00m");
  EXPECT_EQ(format_duration(2 * 3600 + 3 * 60 + 59), "2h03m");
  EXPECT_EQ(format_duration(24 * 3600), "1d00h");
  EXPECT_EQ(format_duration(76 * 3600 + 1800), "3d04h");
}

TEST(FormatDuration, SaysWhenItDoesNotKnow) {
  for (double unknown : {-1.0, std::nan(""), std::numeric_limits<double>::infinity(), 1e300})
    EXPECT_EQ(format_duration(unknown), "?");
}

TEST(FormatSi, KeepsThreeDigits) {
  EXPECT_EQ(format_si(0), "0");
  EXPECT_EQ(format_si(4.5), "4.50");
  EXPECT_EQ(format_si(9.999), "10.0");
  EXPECT_EQ(format_si(99.96), "100");
  EXPECT_EQ(format_si(987), "987");
  EXPECT_EQ(format_si(999.6), "1.00k");
  EXPECT_EQ(format_si(12345), "12.3k");
  EXPECT_EQ(format_si(1.2e6), "1.20M");
  EXPECT_EQ(format_si(-12345), "-12.3k");
  EXPECT_EQ(format_si(std::nan("")), "?");
}

TEST(FormatBytesOf, UsesTheUnitOfTheWhole) {
  EXPECT_EQ(format_bytes_of(3'100'000, 5'000'000), "3.1 of 5.0 MB");
  EXPECT_EQ(format_bytes_of(500, 5'000'000), "0.0 of 5.0 MB");
  EXPECT_EQ(format_bytes_of(12'300, 0), "12.3 kB");
  EXPECT_EQ(format_bytes_of(1'500'000'000, 3'000'000'000), "1.5 of 3.0 GB");
}

}  // namespace
}  // namespace podium
