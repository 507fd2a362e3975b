#include "worker/supervise/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"
#include "worker/base/error.h"

namespace podium {
namespace {

using testing::ElementsAre;

TEST(Arguments, GiveAnOptionInEitherForm) {
  Arguments arguments = {"--a=1", "--workers", "3", "--workers.standby=false"};
  EXPECT_EQ(take_option(arguments, "--workers"), "3");
  EXPECT_THAT(arguments, ElementsAre("--a=1", "--workers.standby=false"));
  EXPECT_EQ(take_option(arguments, "--a"), "1");
  EXPECT_EQ(take_option(arguments, "--a"), std::nullopt);
}

TEST(Arguments, RefuseAnOptionTwiceOrWithoutItsValue) {
  Arguments twice = {"--workers=1", "--workers=2"}, none = {"--workers"};
  EXPECT_THROW(take_option(twice, "--workers"), Error);
  EXPECT_THROW(take_option(none, "--workers"), Error);
}

TEST(Arguments, ReplaceAnOption) {
  EXPECT_THAT(with_option({"--seed", "3", "--b"}, "--seed", "4"), ElementsAre("--b", "--seed=4"));
  EXPECT_THAT(without_new_run({"--new-run", "--b"}), ElementsAre("--b"));
}

}  // namespace
}  // namespace podium
