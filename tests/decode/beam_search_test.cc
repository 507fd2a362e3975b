// The search apart from a model: a table says what follows what.
#include "worker/decode/beam_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "worker/base/random.h"

namespace podium {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// The probabilities of the tokens 0 (the end), 1, 2, … behind some tokens.
using Language = std::function<std::vector<double>(const std::vector<int32_t>&)>;

std::vector<Hypothesis> search(const GenerationOptions& options, int64_t maximum_tokens, const Language& language,
                               int* steps = nullptr) {
  BeamSearch search(options, maximum_tokens);
  for (int step = 0; !search.finished(); ++step) {
    if (steps) *steps = step + 1;
    std::vector<float> scores;
    for (const BeamSearch::Beam& beam : search.living())
      for (double p : language(beam.tokens)) scores.push_back(p > 0 ? static_cast<float>(std::log(p)) : kNever);
    const int64_t beams = std::ssize(search.living());
    search.advance({scores.data(), {beams, std::ssize(scores) / beams}});
  }
  return search.hypotheses();
}

GenerationOptions beams(int64_t count, double length_penalty = 1) {
  GenerationOptions options;
  options.num_beams = options.num_return_sequences = count;
  options.length_penalty = length_penalty;
  return options;
}

// Probabilities that are a function of the tokens before.
Language made_up_language(uint64_t seed, size_t vocabulary) {
  return [=](const std::vector<int32_t>& tokens) {
    uint64_t key = seed;
    for (int32_t token : tokens) key = key * 31 + static_cast<uint64_t>(token);
    CounterRandom random(key, tokens.size(), 0);
    std::vector<double> p(vocabulary);
    double sum = 0;
    for (double& value : p) sum += value = 0.05 + unit_interval(random.next());
    for (double& value : p) value /= sum;
    return p;
  };
}

// Every sequence that ends, or is cut at the maximum.
void enumerate(const Language& language, int64_t maximum, double penalty, std::vector<int32_t>& tokens, double sum,
               std::vector<Hypothesis>& all) {
  const std::vector<double> p = language(tokens);
  const int64_t length = std::ssize(tokens) + 1;
  for (int32_t token = 0; token < std::ssize(p); ++token) {
    const double total = sum + std::log(p[static_cast<size_t>(token)]);
    if (token > 0) tokens.push_back(token);
    if (token == 0 || length == maximum)
      all.push_back({tokens, total / std::pow(length, penalty)});
    else
      enumerate(language, maximum, penalty, tokens, total, all);
    if (token > 0) tokens.pop_back();
  }
}

TEST(BeamSearch, WithBeamsForAllSequencesFindsTheBestOfThem) {
  for (const double penalty : {1.0, 0.6, 0.0, 2.0}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      const Language language = made_up_language(seed, 3);
      std::vector<Hypothesis> all;
      std::vector<int32_t> none;
      enumerate(language, 4, penalty, none, 0, all);
      std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
      const std::vector<Hypothesis> found = search(beams(100, penalty), 4, language);
      ASSERT_EQ(found.size(), all.size());
      for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(found[i].tokens, all[i].tokens) << "penalty " << penalty << " seed " << seed << " place " << i;
        EXPECT_NEAR(found[i].score, all[i].score, 1e-5);
      }
    }
  }
}

// 1 first looks better, but what follows it is spread out.
std::vector<double> garden_path(const std::vector<int32_t>& tokens) {
  if (tokens.empty()) return {0.0, 0.55, 0.45, 0.0};
  if (tokens.size() == 1 && tokens[0] == 1) return {0.26, 0.25, 0.25, 0.24};
  if (tokens.size() == 1) return {0.05, 0.0, 0.0, 0.95};
  return {1.0, 0.0, 0.0, 0.0};
}

TEST(BeamSearch, LeavesTheGreedyPathWhereAnotherIsMoreProbable) {
  EXPECT_EQ(search(beams(1), 5, garden_path)[0].tokens, std::vector<int32_t>({1}));
  const auto found = search(beams(2), 5, garden_path);
  EXPECT_EQ(found[0].tokens, std::vector<int32_t>({2, 3}));
  EXPECT_NEAR(found[0].score, std::log(0.45 * 0.95) / 3, 1e-6);
}

// The end, now or two tokens later.
std::vector<double> short_or_long(const std::vector<int32_t>& tokens) {
  if (tokens.empty()) return {0.5, 0.5, 0.0};
  if (tokens.size() < 3) return {0.0, 0.9, 0.1};
  return {1.0, 0.0, 0.0};
}

TEST(BeamSearch, LengthPenaltyAboveZeroFavoursLongHypotheses) {
  EXPECT_EQ(search(beams(2, 1), 6, short_or_long)[0].tokens.size(), 3u);
  EXPECT_EQ(search(beams(2, 0), 6, short_or_long)[0].tokens.size(), 0u);
  EXPECT_NEAR(search(beams(2, 0.6), 6, short_or_long)[0].score, std::log(0.5 * 0.9 * 0.9) / std::pow(4, 0.6), 1e-6);
}

TEST(BeamSearch, BeamsOfTheMaximumLengthEndWithoutAnEnd) {
  const Language never_ends = [](const std::vector<int32_t>&) { return std::vector<double>{0.0, 0.6, 0.4}; };
  int steps = 0;
  const auto found = search(beams(2), 3, never_ends, &steps);
  EXPECT_EQ(steps, 3);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].tokens, std::vector<int32_t>({1, 1, 1}));
  EXPECT_NEAR(found[0].score, std::log(0.6), 1e-6);
}

TEST(BeamSearch, IsOverWhenNoLivingBeamScoresBetterThanTheWorstHypothesis) {
  int steps = 0;
  const Language ends_soon = [](const std::vector<int32_t>& tokens) {
    return tokens.empty() ? std::vector<double>{0.6, 0.3, 0.1} : std::vector<double>{0.98, 0.01, 0.01};
  };
  const auto found = search(beams(2), 50, ends_soon, &steps);
  EXPECT_EQ(steps, 2);
  EXPECT_EQ(found[0].tokens.size(), 0u);
  EXPECT_EQ(found[1].tokens, std::vector<int32_t>({1}));
}

// An end that is not among the best num_beams continuations is none, though its score would be the best in the end.
TEST(BeamSearch, AnImprobableEndIsDropped) {
  const Language language = [](const std::vector<int32_t>& tokens) {
    return tokens.empty() ? std::vector<double>{0.1, 0.5, 0.4} : std::vector<double>{0.0, 0.5, 0.5};
  };
  for (const Hypothesis& hypothesis : search(beams(2, 0), 5, language)) EXPECT_EQ(hypothesis.tokens.size(), 5u);
}

TEST(BeamSearch, EndsAsItIsWhereNothingMayFollow) {
  const Language dead_end = [](const std::vector<int32_t>& tokens) {
    return tokens.empty() ? std::vector<double>{0.0, 0.5, 0.5} : std::vector<double>{0.0, 0.0, 0.0};
  };
  const auto found = search(beams(2), 9, dead_end);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].tokens, std::vector<int32_t>({1}));  // of equals the smaller token
  EXPECT_EQ(found[1].tokens, std::vector<int32_t>({2}));
  EXPECT_NEAR(found[0].score, std::log(0.5), 1e-6);
}

}  // namespace
}  // namespace podium
