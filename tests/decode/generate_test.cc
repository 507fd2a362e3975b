// Many sentences: order, batches, threads, and models that are of no use.
#include "worker/decode/generate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "tests/decode/golden_model.h"
#include "tests/error_of.h"

namespace podium {
namespace {

class Generate : public testing::Test {
 protected:
  Generate() {
    for (size_t i = 0; i < 60; ++i) {  // of many lengths, several of each
      std::vector<int32_t> source = golden_.sources[i % golden_.sources.size()];
      source.insert(source.begin(), i % 7, golden_.sources[i % 3][0]);
      sources_.push_back(source);
    }
  }

  using Results = std::vector<std::vector<Hypothesis>>;
  Results run(const GenerationOptions& options, int threads = 1) {
    ThreadPool pool(threads);
    return generate(golden_.model, golden_.parameters(), pool, sources_, options);
  }
  static void expect_same(const Results& found, const Results& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].size(), expected[i].size()) << i;
      for (size_t k = 0; k < found[i].size(); ++k) {
        EXPECT_EQ(found[i][k].tokens, expected[i][k].tokens) << "sentence " << i << " hypothesis " << k;
        EXPECT_NEAR(found[i][k].score, expected[i][k].score, 1e-4) << "sentence " << i << " hypothesis " << k;
      }
    }
  }
  // Threads, sizes of batches, and parts of the input leave everything as it is.
  void expect_independence(GenerationOptions options) {
    const Results expected = run(options);
    expect_same(run(options, 3), expected);
    for (int64_t batch : {1, 7, 500}) {
      options.batch_sentences = batch;
      expect_same(run(options, 2), expected);
    }
    const std::vector<std::vector<int32_t>> all = sources_;
    for (size_t i : {0u, 13u, 59u}) {
      sources_ = {all[i]};
      options.first_line = static_cast<int64_t>(i);
      expect_same(run(options), {expected[i]});
    }
  }

  GoldenModel golden_{"trained"};
  std::vector<std::vector<int32_t>> sources_;
};

TEST_F(Generate, GreedyDependsOnNothingElse) { expect_independence({}); }

TEST_F(Generate, BeamsDependOnNothingElse) {
  GenerationOptions options;
  options.num_beams = options.num_return_sequences = 4;
  expect_independence(options);
}

TEST_F(Generate, SamplesDependOnSeedAndLineAlone) {
  GenerationOptions options;
  options.do_sample = options.output_scores = true;
  options.num_return_sequences = 3;
  options.temperature = 1.5;
  options.seed = 4;
  expect_independence(options);
}

TEST_F(Generate, SamplesDifferBySeedLineAndNumber) {
  GenerationOptions options;
  options.do_sample = true;
  options.temperature = 3;
  options.num_return_sequences = 20;
  sources_ = {sources_[20], sources_[20]};
  std::set<std::vector<int32_t>> distinct;
  for (uint64_t seed : {1, 2}) {
    options.seed = seed;
    for (const auto& samples : run(options))
      for (const Hypothesis& sample : samples) distinct.insert(sample.tokens);
  }
  EXPECT_GT(distinct.size(), 60u);  // of 80
}

TEST_F(Generate, TheMostProbableTokenAloneIsGreedy) {
  GenerationOptions greedy, sampling;
  greedy.output_scores = true;
  sampling.do_sample = sampling.output_scores = true;
  sampling.top_k = 1;
  expect_same(run(sampling), run(greedy));
}

TEST_F(Generate, ABeamScoresAtLeastWhatGreedyScores) {
  GenerationOptions greedy, beams;
  greedy.output_scores = true;
  greedy.length_penalty = beams.length_penalty = 0;
  beams.num_beams = 6;
  const Results one = run(greedy), six = run(beams);
  int better = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_GE(six[i][0].score, one[i][0].score - 1e-4) << i;
    better += six[i][0].score > one[i][0].score + 1e-3;
  }
  EXPECT_GT(better, 0);
}

TEST_F(Generate, MaximumCountsTheEndAndLengthFactorCounts) {
  GenerationOptions options;
  options.max_new_tokens = 2;
  for (int64_t beams : {1, 3}) {
    options.num_beams = beams;
    for (const auto& hypotheses : run(options)) EXPECT_LE(hypotheses.at(0).tokens.size(), 2u);
  }
  EXPECT_EQ(GenerationOptions{.max_new_tokens = 500}.longest(5, 1000), 24);  // less than 3 · 5 + 10
  EXPECT_EQ(GenerationOptions{.max_new_tokens = 500}.longest(100, 63), 63);
  EXPECT_EQ(GenerationOptions{.max_new_tokens = 12}.longest(100, 64), 12);
  EXPECT_EQ((GenerationOptions{.max_new_tokens = 500, .min_new_tokens = 40}.longest(1, 1000)), 40);
}

TEST_F(Generate, NoSentencesGiveNothing) {
  sources_.clear();
  EXPECT_TRUE(run({}).empty());
}

TEST_F(Generate, StopsWhenToldTo) {
  for (int64_t beams : {1, 4}) {
    GenerationOptions options;
    options.num_beams = beams;
    int steps = 0;
    options.stop = [&] { return ++steps > 3; };
    options.batch_sentences = 60;
    for (const auto& hypotheses : run(options)) EXPECT_LE(hypotheses.at(0).tokens.size(), 3u);
  }
}

TEST_F(Generate, NamesTheSentenceWhoseLogitsAreNotFinite) {
  // A source token that only sentence 42 has leads to them.
  const int32_t rare = 20;
  for (std::vector<int32_t>& source : sources_)
    for (int32_t& token : source) token = token == rare ? 1 : token;
  sources_[41][0] = rare;
  const std::string table =
      golden_.model.config().shared_vocabulary ? "model.shared.weight" : "model.encoder.embed_tokens.weight";
  const int64_t width = golden_.model.config().embedding_size;
  float* const row = golden_.parameters()[golden_.model.parameters().find(table)->ref].row_range(rare, 1).f32();
  for (float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    std::fill(row, row + width, bad);
    for (auto change : {+[](GenerationOptions&) {}, +[](GenerationOptions& o) { o.num_beams = 4; },
                        +[](GenerationOptions& o) { o.do_sample = true; }}) {
      GenerationOptions options;
      options.first_line = 1000;
      change(options);
      EXPECT_EQ(error_of([&] { run(options, 2); }),
                "sentence 1042: the model gives a NaN or an infinity for token 1; its weights are of no use");
    }
  }
}

}  // namespace
}  // namespace podium
