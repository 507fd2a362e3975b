// Attention against plain loops in double, its gradients also against finite differences, on ragged sentences in views
// with gaps between their rows.
#include "worker/kernels/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "tests/kernels/attention_reference.h"
#include "tests/kernels/kernel_testing.h"

namespace podium {
namespace {

constexpr float kUntouched = 77;
constexpr Dropout kNoDropout = {};
const Dropout kSomeDropout = {0.3f, {12345, 7, 3, 2}};

// A buffer of rows with a gap behind each, seen through a HeadsView.
struct GappedRows {
  GappedRows(const std::vector<float>& rows, int64_t width, int64_t gap) : width(width), stride(width + gap) {
    const int64_t count = static_cast<int64_t>(rows.size()) / width;
    data.assign(static_cast<size_t>(count * stride + 1), kUntouched);
    for (int64_t r = 0; r < count; ++r)
      for (int64_t c = 0; c < width; ++c) data[1 + r * stride + c] = rows[r * width + c];
  }
  GappedRows(int64_t count, int64_t width, int64_t gap)
      : GappedRows(std::vector<float>(static_cast<size_t>(count * width), kUntouched), width, gap) {}

  HeadsView view() { return {data.data() + 1, stride}; }
  std::vector<float> rows() const {
    std::vector<float> result;
    for (int64_t r = 0; 1 + r * stride < static_cast<int64_t>(data.size()); ++r)
      result.insert(result.end(), data.begin() + 1 + r * stride, data.begin() + 1 + r * stride + width);
    return result;
  }
  bool gaps_untouched() const {
    if (data[0] != kUntouched) return false;
    for (int64_t i = 1; i < static_cast<int64_t>(data.size()); ++i)
      if ((i - 1) % stride >= width && data[i] != kUntouched) return false;
    return true;
  }

  int64_t width, stride;
  std::vector<float> data;
};

struct Inputs {
  explicit Inputs(const AttentionProblem& p)
      : query(normal_values(p.query_rows() * p.width(), 1)),
        key(normal_values(p.key_rows() * p.width(), 2)),
        value(normal_values(p.key_rows() * p.width(), 3)),
        context_gradient(normal_values(p.query_rows() * p.width(), 4)) {}
  std::vector<float> query, key, value, context_gradient;
};

struct Results {
  std::vector<float> context, query, key, value;  // the last three: gradients
  bool gaps_untouched = true;

  std::vector<float> all() const {
    std::vector<float> result = context;
    for (const auto* part : {&query, &key, &value}) result.insert(result.end(), part->begin(), part->end());
    return result;
  }
};

Results run(Executor& executor, const AttentionProblem& p, const Inputs& inputs) {
  GappedRows query(inputs.query, p.width(), 5), key(inputs.key, p.width(), 2 * p.width()),
      value(inputs.value, p.width(), 3);
  GappedRows context(p.query_rows(), p.width(), 1), context_gradient(inputs.context_gradient, p.width(), 0);
  GappedRows query_gradient(p.query_rows(), p.width(), 4), key_gradient(p.key_rows(), p.width(), 1),
      value_gradient(p.key_rows(), p.width(), 7);
  std::vector<float> probabilities(static_cast<size_t>(attention_probabilities_size(p.layout(), p.heads)), -1.0f);
  const Tensor kept(probabilities.data(), {static_cast<int64_t>(probabilities.size())});
  attention_forward(executor, p.layout(), p.heads, p.head_size, p.scale(), query.view(), key.view(), value.view(),
                    p.dropout, kept, context.view());
  attention_backward(executor, p.layout(), p.heads, p.head_size, p.scale(), query.view(), key.view(), value.view(),
                     p.dropout, kept, context_gradient.view(), query_gradient.view(), key_gradient.view(),
                     value_gradient.view());
  return {context.rows(), query_gradient.rows(), key_gradient.rows(), value_gradient.rows(),
          context.gaps_untouched() && query_gradient.gaps_untouched() && key_gradient.gaps_untouched() &&
              value_gradient.gaps_untouched()};
}

Results run_alone(const AttentionProblem& p, const Inputs& inputs) {
  ThreadPool pool(1);
  Executor executor{pool};
  return run(executor, p, inputs);
}

// Rounding of the longest chain of sums, of numbers of size 1 to 4 (normal values, multiplied by dropout's scale).
double tolerance(const AttentionProblem& p) {
  return 64 * std::numeric_limits<float>::epsilon() * std::sqrt(static_cast<double>(p.head_size + p.longest()));
}

void expect_matches_reference(Executor& executor, const AttentionProblem& p) {
  SCOPED_TRACE(fmt::format("head size {}, causal {}, dropout {}", p.head_size, p.causal, p.dropout.probability));
  const Inputs inputs(p);
  const Results results = run(executor, p, inputs);
  const AttentionReference expected = attention_reference(p, doubles(inputs.query), doubles(inputs.key),
                                                          doubles(inputs.value), doubles(inputs.context_gradient));
  expect_close(results.context, expected.context, tolerance(p), 0, "context");
  expect_close(results.query, expected.query_gradient, 2 * tolerance(p), 0, "query gradient");
  expect_close(results.key, expected.key_gradient, 2 * tolerance(p), 0, "key gradient");
  expect_close(results.value, expected.value_gradient, 2 * tolerance(p), 0, "value gradient");
  EXPECT_TRUE(results.gaps_untouched);
}

TEST(Attention, MatchesDoublePrecisionInBothPasses) {
  for_each_machine([](Executor& executor) {
    for (const int head_size : {1, 3, 8, 16, 20, 64}) {
      for (const Dropout& dropout : {kNoDropout, kSomeDropout}) {
        expect_matches_reference(executor,
                                 {{{5, 7}, {1, 40}, {40, 1}, {17, 16}, {3, 33}}, false, 3, head_size, dropout});
        expect_matches_reference(executor,
                                 {{{5, 5}, {1, 1}, {60, 60}, {17, 17}, {32, 32}}, true, 3, head_size, dropout});
      }
    }
  });
}

TEST(Attention, GradientsMatchFiniteDifferences) {
  for (const bool causal : {false, true}) {
    const AttentionProblem p{{{3, causal ? 3 : 5}, {4, 4}}, causal, 2, 3, kSomeDropout};
    const Inputs inputs(p);
    const Results results = run_alone(p, inputs);
    std::vector<double> query = doubles(inputs.query), key = doubles(inputs.key), value = doubles(inputs.value);
    const std::vector<double> weight = doubles(inputs.context_gradient);
    const auto loss = [&] {
      const std::vector<double> context = attention_reference(p, query, key, value, weight).context;
      double sum = 0;
      for (size_t i = 0; i < context.size(); ++i) sum += context[i] * weight[i];
      return sum;
    };
    expect_close(results.query, finite_differences(query, loss), 1e-5, 1e-5, "query gradient");
    expect_close(results.key, finite_differences(key, loss), 1e-5, 1e-5, "key gradient");
    expect_close(results.value, finite_differences(value, loss), 1e-5, 1e-5, "value gradient");
  }
}

TEST(Attention, GivesTheSameBitsWithAnyNumberOfThreads) {
  for (const int head_size : {16, 64, 20}) {
    const AttentionProblem p{{{40, 40}, {7, 7}, {59, 59}, {1, 1}, {23, 23}}, true, 8, head_size, kSomeDropout};
    const Inputs inputs(p);
    expect_same_bits_for_any_threads([&](Executor& executor) { return run(executor, p, inputs).all(); });
  }
}

TEST(Attention, OfASentenceDoesNotDependOnItsNeighbours) {
  const AttentionProblem three{{{9, 9}, {13, 13}, {40, 40}}, true, 2, 16, kNoDropout};
  const Inputs inputs(three);
  const std::vector<float> together = run_alone(three, inputs).context;
  const AttentionProblem last{{{40, 40}}, true, 2, 16, kNoDropout};
  Inputs alone = inputs;
  const int64_t skipped = (9 + 13) * 32;
  for (auto* part : {&alone.query, &alone.key, &alone.value, &alone.context_gradient})
    part->erase(part->begin(), part->begin() + skipped);
  EXPECT_TRUE(same_bits(run_alone(last, alone).context, {together.begin() + skipped, together.end()}));
}

TEST(Attention, GivesTheSameBitsWhenProbabilitiesAreNotKept) {
  ThreadPool pool(1);
  Executor executor{pool};
  for (const Dropout& dropout : {kNoDropout, kSomeDropout}) {
    const AttentionProblem p{{{6, 11}, {40, 38}}, false, 2, 20, dropout};
    Inputs inputs(p);
    std::vector<float> context(inputs.query.size());
    attention_forward(executor, p.layout(), p.heads, p.head_size, p.scale(), {inputs.query.data(), p.width()},
                      {inputs.key.data(), p.width()}, {inputs.value.data(), p.width()}, dropout, {},
                      {context.data(), p.width()});
    EXPECT_TRUE(same_bits(context, run(executor, p, inputs).context));
  }
}

// As beams have it: lists name rows in any order, and share some.
TEST(Attention, OverListedRowsIsThatOverTheirCopies) {
  ThreadPool pool(2);
  Executor executor{pool};
  const int heads = 2, head_size = 20;
  const AttentionProblem p{{{1, 6}, {3, 9}, {1, 1}, {1, 30}}, false, heads, head_size, kNoDropout};
  const Inputs inputs(p);  // the copies
  const int64_t width = p.width(), rows = p.key_rows(), cache_rows = 100;
  std::vector<int32_t> list;
  for (int64_t s = 0; s < rows; ++s) list.push_back(static_cast<int32_t>((s * 37 + 11) % cache_rows));
  list[8] = list[2];
  list[20] = list[2];
  std::vector<float> key_cache(static_cast<size_t>(cache_rows * width), std::numeric_limits<float>::quiet_NaN());
  std::vector<float> value_cache = key_cache, query = inputs.query, key, value;
  for (int64_t s = 0; s < rows; ++s) {
    std::copy_n(inputs.key.begin() + s * width, width, key_cache.begin() + list[s] * width);
    std::copy_n(inputs.value.begin() + s * width, width, value_cache.begin() + list[s] * width);
  }
  for (int32_t row : list) {
    key.insert(key.end(), key_cache.begin() + row * width, key_cache.begin() + (row + 1) * width);
    value.insert(value.end(), value_cache.begin() + row * width, value_cache.begin() + (row + 1) * width);
  }
  std::vector<float> expected(query.size()), context(query.size());
  AttentionLayout layout = p.layout();
  attention_forward(executor, layout, heads, head_size, p.scale(), {query.data(), width}, {key.data(), width},
                    {value.data(), width}, {}, {}, {expected.data(), width});
  layout.key_rows = list;
  attention_forward(executor, layout, heads, head_size, p.scale(), {query.data(), width}, {key_cache.data(), width},
                    {value_cache.data(), width}, {}, {}, {context.data(), width});
  EXPECT_TRUE(same_bits(context, expected));
}

// As decoding does it: one query a sentence, keys from a cache with room for more, that holds anything behind them.
TEST(Attention, OfOneQueryOverACacheIsTheLastRowOfTheWhole) {
  ThreadPool pool(2);
  Executor executor{pool};
  const std::vector<int32_t> lengths{1, 12, 40};
  const int heads = 4, head_size = 16, capacity = 48;
  const int64_t width = heads * head_size;
  const AttentionProblem whole{{{1, 1}, {12, 12}, {40, 40}}, true, heads, head_size, kNoDropout};
  const Inputs inputs(whole);
  const std::vector<float> expected = run_alone(whole, inputs).context;

  std::vector<float> query, key(static_cast<size_t>(3 * capacity * width), std::numeric_limits<float>::quiet_NaN());
  std::vector<float> value = key, last_rows, context(static_cast<size_t>(3 * width));
  int64_t row = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    std::copy_n(inputs.key.begin() + row * width, lengths[i] * width, key.begin() + i * capacity * width);
    std::copy_n(inputs.value.begin() + row * width, lengths[i] * width, value.begin() + i * capacity * width);
    row += lengths[i];
    query.insert(query.end(), inputs.query.begin() + (row - 1) * width, inputs.query.begin() + row * width);
    last_rows.insert(last_rows.end(), expected.begin() + (row - 1) * width, expected.begin() + row * width);
  }
  const std::vector<int32_t> query_begin{0, 1, 2}, query_count{1, 1, 1}, key_begin{0, capacity, 2 * capacity};
  attention_forward(executor, {query_begin, query_count, key_begin, lengths, false}, heads, head_size, whole.scale(),
                    {query.data(), width}, {key.data(), width}, {value.data(), width}, {}, {}, {context.data(), width});
  expect_close(context, doubles(last_rows), tolerance(whole), 0);
}

TEST(Attention, WithoutKeysIsZeroAndWithoutQueriesGivesZeroGradients) {
  const AttentionProblem p{{{3, 0}, {0, 4}}, false, 2, 5, kSomeDropout};
  const Results results = run_alone(p, Inputs(p));
  EXPECT_EQ(results.context, std::vector<float>(3 * 10, 0.0f));
  EXPECT_EQ(results.query, std::vector<float>(3 * 10, 0.0f));
  EXPECT_EQ(results.key, std::vector<float>(4 * 10, 0.0f));
  EXPECT_EQ(results.value, std::vector<float>(4 * 10, 0.0f));
}

TEST(Attention, TakesHugeScores) {
  const AttentionProblem p{{{20, 20}}, false, 1, 16, kNoDropout};
  Inputs inputs(p);
  for (float& q : inputs.query) q *= 1e6f;
  const Results results = run_alone(p, inputs);
  for (const float c : results.all()) ASSERT_TRUE(std::isfinite(c));
}

TEST(Attention, TakesScoresThatAreAllFarBelowZero) {
  for (const bool causal : {false, true}) {
    const AttentionProblem p{{{5, 5}, {20, 20}}, causal, 2, 16, kNoDropout};
    Inputs inputs(p);
    for (float& q : inputs.query) q = 50 * std::abs(q);
    for (float& k : inputs.key) k = -std::abs(k);
    const AttentionReference expected = attention_reference(p, doubles(inputs.query), doubles(inputs.key),
                                                            doubles(inputs.value), doubles(inputs.context_gradient));
    // Scores of hundreds, so their rounding is that much larger.
    expect_close(run_alone(p, inputs).context, expected.context, 100 * tolerance(p), 0, "context");
  }
}

TEST(Attention, ShowsNanAndInfinityInTheHeadThatHasThem) {
  const AttentionProblem p{{{5, 5}, {4, 4}}, false, 2, 3, kNoDropout};
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    Inputs inputs(p);
    inputs.query[1 * 6 + 3] = bad;  // sentence 0, query 1, head 1
    const std::vector<float> context = run_alone(p, inputs).context;
    for (size_t i = 0; i < context.size(); ++i) ASSERT_EQ(std::isnan(context[i]), i >= 9 && i < 12) << bad << " " << i;
  }
}

TEST(AttentionDeathTest, NamesACausalLayoutThatIsNotSquare) {
  const AttentionProblem p{{{5, 4}}, true, 1, 2, kNoDropout};
  EXPECT_DEATH(attention_probabilities_size(p.layout(), 1), "5 queries, 4 keys");
}

}  // namespace
}  // namespace podium
