#include "worker/supervise/settings_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/base/error.h"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

struct SettingsWatchTest : testing::Test {
  SettingsWatchTest() { file.worker_count = 3; }
  void start() {
    watch.emplace(
        file,
        [this] {
          ++loads;
          if (!error.empty()) throw Error("{}", error);
          return file;
        },
        SettingsWatch::Handlers{[this](uint32_t now, uint32_t before) { counts.emplace_back(now, before); },
                                [this](const std::string& text) { lines.push_back(text); }});
  }
  void look() {
    now += std::chrono::seconds(5);
    watch->tick(now);
  }

  Settings file;
  std::string error;
  int loads = 0;
  std::chrono::steady_clock::time_point now{std::chrono::hours(1)};
  std::optional<SettingsWatch> watch;
  std::vector<std::pair<uint32_t, uint32_t>> counts;
  std::vector<std::string> lines;
};

TEST_F(SettingsWatchTest, TellsOfAnotherWorkerCountOnce) {
  start();
  look();
  EXPECT_THAT(counts, IsEmpty());
  file.worker_count = 5;
  look();
  look();
  EXPECT_THAT(counts, ElementsAre(Pair(5, 3)));
  file.worker_count = 3;
  look();
  EXPECT_THAT(counts, ElementsAre(Pair(5, 3), Pair(3, 5)));
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(SettingsWatchTest, LooksEveryFiveSeconds) {
  start();
  for (int i = 0; i < 100; ++i) watch->tick(now += std::chrono::milliseconds(500));
  EXPECT_EQ(loads, 10);
}

TEST_F(SettingsWatchTest, SaysThatOtherSettingsWaitForTheNextStart) {
  start();
  file.training.epochs = 99;
  look();
  look();
  EXPECT_THAT(lines, ElementsAre(HasSubstr("all but worker_count take effect when the pods are made anew")));
}

TEST_F(SettingsWatchTest, GoesOnWithTheOldOnesWhenTheFileIsWrong) {
  start();
  error = "settings.yaml:2: worker_count: found \"many\"";
  look();
  look();
  EXPECT_THAT(lines, ElementsAre(HasSubstr("settings.yaml:2: worker_count: found \"many\"")));
  error.clear();
  file.worker_count = 4;
  look();
  EXPECT_THAT(counts, ElementsAre(Pair(4, 3)));
}

}  // namespace
}  // namespace podium
