// What may come next, and how it is drawn.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/error_of.h"
#include "worker/base/random.h"
#include "worker/decode/logits_rules.h"
#include "worker/decode/sampling.h"

namespace podium {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr int32_t kPad = 5;

// Which of six tokens may follow `generated`.
std::vector<int32_t> allowed(const GenerationOptions& options, const std::vector<int32_t>& generated) {
  std::vector<float> scores(6, 1.0f);
  apply_logits_rules(options, {}, generated, kPad, scores);
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < 6; ++i)
    if (scores[static_cast<size_t>(i)] != kNever) tokens.push_back(i);
  return tokens;
}

using Tokens = std::vector<int32_t>;

TEST(LogitsRules, PaddingNeverComes) { EXPECT_EQ(allowed({}, {1, 1, 1}), Tokens({0, 1, 2, 3, 4})); }

TEST(LogitsRules, EndComesNotBeforeTheMinimum) {
  GenerationOptions options;
  options.min_new_tokens = 2;
  EXPECT_EQ(allowed(options, {}), Tokens({1, 2, 3, 4}));
  EXPECT_EQ(allowed(options, {3}), Tokens({1, 2, 3, 4}));
  EXPECT_EQ(allowed(options, {3, 3}), Tokens({0, 1, 2, 3, 4}));
}

TEST(LogitsRules, NoNgramOccursTwice) {
  GenerationOptions options;
  options.no_repeat_ngram_size = 1;
  EXPECT_EQ(allowed(options, {}), Tokens({0, 1, 2, 3, 4}));
  EXPECT_EQ(allowed(options, {3, 1}), Tokens({0, 2, 4}));
  options.no_repeat_ngram_size = 2;
  EXPECT_EQ(allowed(options, {1}), Tokens({0, 1, 2, 3, 4}));
  EXPECT_EQ(allowed(options, {1, 1}), Tokens({0, 2, 3, 4}));
  EXPECT_EQ(allowed(options, {1, 2, 3, 1, 4, 1}), Tokens({0, 1, 3}));
  options.no_repeat_ngram_size = 3;
  EXPECT_EQ(allowed(options, {1, 2, 3, 1, 2}), Tokens({0, 1, 2, 4}));
  EXPECT_EQ(allowed(options, {1, 2, 3, 2, 1}), Tokens({0, 1, 2, 3, 4}));
}

TEST(LogitsRules, RepetitionIsPenalizedOnceOnEitherSideOfZero) {
  GenerationOptions options;
  options.repetition_penalty = 2;
  std::vector<float> scores = {1, 2, -2, 4, -1, 0};
  apply_logits_rules(options, {}, Tokens({1, 2, 1}), kPad, scores);
  EXPECT_EQ(scores, (std::vector<float>{1, 1, -4, 4, -1, kNever}));
}

TEST(Sampling, DrawsTokensAsOftenAsTheyAreProbable) {
  const std::vector<float> logits = {0.0f, std::log(2.0f), kNever, std::log(5.0f), std::log(0.5f)};
  const std::vector<double> expected = {1 / 8.5, 2 / 8.5, 0, 5 / 8.5, 0.5 / 8.5};
  constexpr int kDraws = 100000;
  std::vector<int> counts(5, 0);
  CounterRandom random(3, 1, 4);
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<size_t>(draw_token(logits, unit_interval(random.next())))];
  for (size_t i = 0; i < counts.size(); ++i) {
    const double deviation = std::sqrt(kDraws * expected[i] * (1 - expected[i]));
    EXPECT_NEAR(counts[i], kDraws * expected[i], 5 * deviation) << i;
  }
}

TEST(Sampling, NeverDrawsWhatIsForbidden) {
  const std::vector<float> logits = {kNever, 1.0f, kNever, -80.0f, kNever};
  EXPECT_EQ(draw_token(logits, 0.0), 1);
  const int32_t last = draw_token(logits, std::nextafter(1.0, 0.0));
  EXPECT_TRUE(last == 1 || last == 3) << last;
}

TEST(Sampling, KeepsTheMostProbableTokens) {
  GenerationOptions options;
  const std::vector<float> logits = {1, 3, 2, 3, 0};
  auto kept = [&] {
    std::vector<float> row = logits;
    warp_logits(options, row);
    Tokens tokens;
    for (int32_t i = 0; i < std::ssize(row); ++i)
      if (row[static_cast<size_t>(i)] != kNever) tokens.push_back(i);
    return tokens;
  };
  options.top_k = 1;
  EXPECT_EQ(kept(), Tokens({1, 3}));  // equals
  options.top_k = 3;
  EXPECT_EQ(kept(), Tokens({1, 2, 3}));
  options.top_k = 0;
  EXPECT_EQ(kept(), Tokens({0, 1, 2, 3, 4}));
  options.top_p = 0.5;  // 3 and 3 have 0.39 each
  EXPECT_EQ(kept(), Tokens({1, 3}));
  options.top_p = 1e-9;
  EXPECT_EQ(kept(), Tokens({1}));
  options.temperature = 100;  // all alike
  options.top_p = 0.99;
  EXPECT_EQ(kept(), Tokens({0, 1, 2, 3, 4}));
}

TEST(GenerationOptions, ThatDoNotFitAreRefused) {
  auto refusal = [](auto&& change) {
    GenerationOptions options;
    change(options);
    return error_of([&] { options.check(); });
  };
  EXPECT_EQ(refusal([](auto& o) {
              o.num_return_sequences = 5;
              o.num_beams = 4;
            }),
            "--n-best 5 needs at least as many beams: --beam is 4");
  EXPECT_EQ(refusal([](auto& o) { o.top_p = 0; }), "--top-p: 0, expected more than 0 and at most 1");
  EXPECT_EQ(refusal([](auto& o) { o.top_p = std::nan(""); }), "--top-p: nan, expected more than 0 and at most 1");
  EXPECT_EQ(refusal([](auto& o) {
              o.do_sample = true;
              o.num_beams = 2;
            }),
            "--sample draws one token after the other: it does not go with --beam 2");
  EXPECT_EQ(refusal([](auto& o) {
              o.num_beams = 100;
              o.batch_sentences = 1000;
            }),
            "--batch 1000 with 100 hypotheses a sentence: expected at most 2048 hypotheses in a batch");
  EXPECT_NE(refusal([](auto& o) { o.num_beams = int64_t{1} << 62; }), "");
  EXPECT_EQ(refusal([](auto& o) { o.min_new_tokens = 200; }), "--min-tokens 200 is more than --max-tokens 127");
  EXPECT_EQ(refusal([](auto& o) { o.repetition_penalty = 0; }), "--repetition-penalty: 0, expected more than 0");
  EXPECT_EQ(refusal([](auto& o) {
              o.do_sample = true;
              o.num_return_sequences = 9;
            }),
            "");
}

}  // namespace
}  // namespace podium
