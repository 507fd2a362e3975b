// The `test` program on language models: continuations, perplexity, models that read backward.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/language_model/tiny_language_model.h"

namespace podium {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class ContinuationTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    forward_ = new TinyLanguageModel;
    backward_ = new TinyLanguageModel({"--language_model.direction=backward"});
    for (const TinyLanguageModel* run : {forward_, backward_}) {
      const Finished trained = run->train({"--training.max_steps=60", "--snapshots.every_steps=0"});
      ASSERT_EQ(trained.end, exited(0)) << trained.errors;
    }
  }
  static void TearDownTestSuite() {
    delete forward_;
    delete backward_;
  }
  static inline TinyLanguageModel *forward_ = nullptr, *backward_ = nullptr;
};

TEST_F(ContinuationTest, GoesOnWithThePromptOrLeadsToIt) {
  const Finished forward = forward_->test({"--max-tokens", "10", "kabra lotin"});
  ASSERT_EQ(forward.end, exited(0)) << forward.errors;
  EXPECT_THAT(forward.output, StartsWith("kabra lotin"));
  EXPECT_GT(forward.output.size(), std::string("kabra lotin\n").size());
  const Finished backward = backward_->test({"--max-tokens", "10", "kabra lotin"});
  ASSERT_EQ(backward.end, exited(0)) << backward.errors;
  EXPECT_THAT(backward.output, EndsWith("kabra lotin\n"));
  EXPECT_GT(backward.output.size(), std::string("kabra lotin\n").size());
}

TEST_F(ContinuationTest, SamplesAreTheSameForAnyNumberOfThreads) {
  forward_->write("prompts.txt", "kabra\n\nmigos sulen tepum\nlo\n");
  std::string one;
  for (const char* threads : {"1", "3"}) {
    const Finished sampled = forward_->test({"--input", "prompts.txt", "--sample", "--n-best", "3", "--seed", "4",
                                             "--max-tokens", "12", "--threads", threads});
    ASSERT_EQ(sampled.end, exited(0)) << sampled.errors;
    EXPECT_EQ(std::count(sampled.output.begin(), sampled.output.end(), '\n'), 12);
    EXPECT_THAT(sampled.output, StartsWith("0 ||| kabra"));
    EXPECT_THAT(sampled.output, HasSubstr("\n2 ||| migos sulen tepum"));
    if (one.empty()) one = sampled.output;
    EXPECT_EQ(sampled.output, one);
  }
}

TEST_F(ContinuationTest, ReadsTheEndOfAPromptThatIsTooLong) {
  std::string prompt;
  for (int i = 0; i < 200; ++i) prompt += "kabra ";
  const Finished tried = forward_->test({"--max-tokens", "10", prompt + "lo"});
  ASSERT_EQ(tried.end, exited(0)) << tried.errors;
  EXPECT_THAT(tried.output, StartsWith(prompt + "lo"));
}

// Text of its language is likelier than the same text with z for a, y for b and so on.
TEST_F(ContinuationTest, ScoresTellItsLanguageFromAnother) {
  auto perplexity = [](const TinyLanguageModel& run, const std::string& file) {
    const Finished scored = run.test({"--score", file});
    EXPECT_EQ(scored.end, exited(0)) << scored.errors;
    double value = 0;
    EXPECT_EQ(std::sscanf(scored.output.c_str(), "perplexity %lf", &value), 1) << scored.output;
    return value;
  };
  for (const TinyLanguageModel* run : {forward_, backward_}) {
    run->write("another.txt", [] {
      std::string text = made_up_documents(60, 6);
      for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>('a' + 'z' - c);
      return text;
    }());
    // The trainer's own number, of the same documents cut into the same blocks.
    const double held_out = perplexity(*run, "validation.txt");
    EXPECT_NEAR(held_out, run->progress().validations.back().metrics[0].value, 1e-3 * held_out);
    EXPECT_GT(perplexity(*run, "another.txt"), 1.2 * held_out);
  }
}

TEST_F(ContinuationTest, RefusesWhatLanguageModelsHaveNot) {
  const Finished failed = forward_->test({"--attention", "x.png", "kabra"});
  EXPECT_EQ(failed.end, exited(1));
  EXPECT_THAT(failed.errors, HasSubstr("--attention"));
  const Finished missing = forward_->test({"--score", "none.txt"});
  EXPECT_EQ(missing.end, exited(1));
  EXPECT_THAT(missing.errors, HasSubstr("none.txt"));
}

}  // namespace
}  // namespace podium
