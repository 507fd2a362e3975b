#include "worker/pmix/pending_answers.h"

#include <gtest/gtest.h>

#include <future>

namespace podium {
namespace {

using Clock = PendingAnswers::Clock;
using std::chrono::milliseconds;

TEST(PendingAnswers, AQuestionIsAnsweredOnce) {
  PendingAnswers pending;
  std::vector<std::string> answers;
  const uint64_t id = pending.add([&](bool, std::string data) { answers.push_back(data); }, Clock::time_point::max());
  EXPECT_TRUE(pending.answer(id, true, "first"));
  EXPECT_FALSE(pending.answer(id, true, "second"));
  pending.drop_all();
  EXPECT_EQ(answers, std::vector<std::string>{"first"});
}

TEST(PendingAnswers, ThoseWhoseDeadlinePassesAreAnsweredWithNothingTheOthersStay) {
  PendingAnswers pending;
  bool stayed = true;
  const uint64_t open = pending.add([&](bool, std::string) { stayed = false; }, Clock::time_point::max());
  std::promise<bool> late, early;
  pending.add([&](bool found, std::string) { late.set_value(found); }, Clock::now() + milliseconds(20));
  pending.add([&](bool found, std::string) { early.set_value(found); }, Clock::now() + milliseconds(10));
  for (std::promise<bool>* answer : {&early, &late}) {
    auto found = answer->get_future();
    ASSERT_EQ(found.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    EXPECT_FALSE(found.get());
  }
  EXPECT_TRUE(stayed);
  EXPECT_TRUE(pending.answer(open, true, ""));
}

TEST(PendingAnswers, DroppingAllAnswersThemWithNothing) {
  PendingAnswers pending;
  int found_nothing = 0;
  for (int i = 0; i < 3; ++i)
    pending.add([&](bool found, std::string) { found_nothing += !found; }, Clock::time_point::max());
  pending.drop_all();
  EXPECT_EQ(found_nothing, 3);
}

}  // namespace
}  // namespace podium
