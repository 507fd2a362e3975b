#include "coordinator/membership_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace podium {
namespace {

TEST(MembershipText, KeepsAPeersTextInOneLineOfBoundedLength) {
  EXPECT_EQ(shown("a\nb\tc\x7F"), "a b c ");
  EXPECT_EQ(shown("1a2b3c4d", 8), "1a2b3c4d");
  EXPECT_EQ(shown("1a2b3c4d5", 8), "1a2b3c4d…");
  EXPECT_EQ(shown(std::string(5'000'000, 'x')), fmt::format("{:x>300}…", ""));
}

TEST(MembershipText, NeverCutsACharacterInTwo) {
  EXPECT_EQ(shown("aéé", 2), "a…");
  EXPECT_EQ(shown("aéé", 3), "aé…");
  EXPECT_EQ(shown("\x80\x80\x80", 2), "…");
}

TEST(MembershipText, WritesSecondsWithoutAnEmptyFraction) {
  EXPECT_EQ(seconds_text(0.3), "0.3 s");
  EXPECT_EQ(seconds_text(4), "4 s");
  EXPECT_EQ(seconds_text(-1), "0 s");
}

}  // namespace
}  // namespace podium
