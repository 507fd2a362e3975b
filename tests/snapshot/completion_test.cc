#include "worker/snapshot/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

using testing::HasSubstr;

class CompletionMarker : public testing::Test {
 protected:
  void write_marker(const std::string& name, const std::string& content) const {
    fs::create_directories(folder_.path() / "run");
    std::ofstream(folder_.path() / "run" / name) << content;
  }

  const TemporaryFolder folder_;
  LocalStore store_{folder_.path()};
};

TEST_F(CompletionMarker, SaysWhatEndedTheRun) {
  EXPECT_FALSE(find_completion(store_, "run"));
  write_completion(store_, "run", {60, "step-000060", {3, 60, 1.5, 7}});
  const auto found = find_completion(store_, "run");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 60);
  EXPECT_EQ(found->snapshot, "step-000060");
  EXPECT_EQ(found->limits.epochs, 3);
  EXPECT_EQ(found->limits.max_steps, 60);
  EXPECT_EQ(found->limits.max_minutes, 1.5);
  EXPECT_EQ(found->limits.patience, 7);
  EXPECT_FALSE(find_completion(store_, "ru"));
}

TEST_F(CompletionMarker, OfTheHighestStepCounts) {
  for (int64_t step : {60, 1000, 200}) write_completion(store_, "run", {step, "step", {0, step, 0}});
  EXPECT_EQ(find_completion(store_, "run")->step, 1000);
}

TEST_F(CompletionMarker, IsWrittenOnce) {
  write_completion(store_, "run", {60, "step-000060", {0, 60, 0}});
  write_completion(store_, "run", {60, "another", {0, 60, 0}});
  EXPECT_EQ(find_completion(store_, "run")->snapshot, "step-000060");
}

TEST_F(CompletionMarker, ThatCannotBeReadIsNamed) {
  const std::string whole =
      R"({"step": 60, "snapshot": "step-000060", "epochs": 0, "max_steps": 60, "max_minutes": 0})";
  for (const std::string& content :
       {std::string(), std::string("{"), std::string("[]"), std::string("\0\xff", 2), whole.substr(0, 40), whole + "}",
        std::string(R"({"step": -1, "snapshot": "s", "epochs": 0, "max_steps": 60, "max_minutes": 0})"),
        std::string(R"({"step": "60", "snapshot": "s", "epochs": 0, "max_steps": 60, "max_minutes": 0})"),
        std::string(R"({"step": 60, "snapshot": "s", "epochs": 0, "max_steps": 60})")}) {
    write_marker("finished-step-000000060.json", content);
    EXPECT_THAT(error_of([&] { find_completion(store_, "run"); }), HasSubstr("run/finished-step-000000060.json"))
        << content;
  }
}

TEST(RunLimits, GoFurtherOnlyWhenOneThatMayHaveEndedTheRunIsRaised) {
  const RunLimits done{3, 60, 0};
  EXPECT_FALSE(goes_further({3, 60, 0}, done));
  EXPECT_FALSE(goes_further({2, 50, 0}, done));
  EXPECT_FALSE(goes_further({3, 60, 10}, done));  // one more limit
  EXPECT_TRUE(goes_further({3, 61, 0}, done));
  EXPECT_TRUE(goes_further({4, 60, 0}, done));
  EXPECT_TRUE(goes_further({3, 0, 0}, done));  // no limit any more
  EXPECT_FALSE(goes_further({3, 60, 0, 5}, done));
  EXPECT_TRUE(goes_further({3, 60, 0, 6}, {3, 60, 0, 5}));
  EXPECT_TRUE(goes_further({3, 60, 0, 0}, {3, 60, 0, 5}));
}

}  // namespace
}  // namespace podium
