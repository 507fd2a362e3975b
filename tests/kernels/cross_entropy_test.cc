// Cross-entropy against plain double, its gradient against finite differences, and what it does with broken logits.
#include "worker/kernels/cross_entropy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/kernels/kernel_testing.h"

namespace podium {
namespace {

struct Reference {
  double loss = 0, nll = 0;
  int64_t correct = 0;
};

Reference reference(const std::vector<double>& logits, const std::vector<int32_t>& labels, double smoothing) {
  Reference result;
  const size_t classes = logits.size() / labels.size();
  for (size_t row = 0; row < labels.size(); ++row) {
    const auto begin = logits.begin() + static_cast<int64_t>(row * classes),
               end = begin + static_cast<int64_t>(classes);
    const auto largest = std::max_element(begin, end);
    double sum = 0, log_probabilities = 0;
    for (auto x = begin; x != end; ++x) sum += std::exp(*x - *largest);
    const double log_sum = std::log(sum) + *largest;
    for (auto x = begin; x != end; ++x) log_probabilities += *x - log_sum;
    const double nll = log_sum - begin[labels[row]];
    result.nll += nll;
    result.loss += (1 - smoothing) * nll - smoothing * log_probabilities / static_cast<double>(classes);
    result.correct += largest - begin == labels[row];
  }
  return result;
}

std::vector<int32_t> labels_of(int64_t rows, int64_t classes) {
  std::vector<int32_t> labels;
  for (int64_t row = 0; row < rows; ++row) labels.push_back(static_cast<int32_t>(row * 7919 % classes));
  return labels;
}

CrossEntropySums run(Executor& executor, const std::vector<float>& logits, const std::vector<int32_t>& labels,
                     float smoothing, bool gradient) {
  std::vector<double> scratch(2 * labels.size());
  const int64_t rows = static_cast<int64_t>(labels.size());
  return cross_entropy(executor, tensor_of(logits, {rows, static_cast<int64_t>(logits.size()) / rows}), labels,
                       smoothing, gradient, scratch);
}

TEST(CrossEntropy, SumsMatchDoubleWithAndWithoutGradient) {
  for_each_machine([](Executor& executor) {
    for (float smoothing : {0.0f, 0.1f}) {
      for (int64_t classes : {1, 3, 17, 127, 129, 1000, 5003}) {
        const std::vector<int32_t> labels = labels_of(9, classes);
        std::vector<float> logits = normal_values(9 * classes, 1, 3);
        for (int64_t row = 0; row < 4; ++row)
          logits[static_cast<size_t>(row * classes + labels[static_cast<size_t>(row)])] = 20;
        const Reference expected = reference(doubles(logits), labels, smoothing);
        for (bool gradient : {false, true}) {
          const CrossEntropySums sums = run(executor, logits, labels, smoothing, gradient);
          EXPECT_NEAR(sums.loss, expected.loss, 1e-6 * (1 + expected.loss)) << classes;
          EXPECT_NEAR(sums.nll, expected.nll, 1e-6 * (1 + expected.nll)) << classes;
          EXPECT_EQ(sums.correct, expected.correct) << classes;
          EXPECT_EQ(sums.rows, 9);
        }
      }
    }
  });
}

TEST(CrossEntropy, GradientMatchesFiniteDifferences) {
  for_each_machine([](Executor& executor) {
    for (float smoothing : {0.0f, 0.1f}) {
      for (int64_t classes : {1, 3, 17, 129}) {
        const std::vector<int32_t> labels = labels_of(5, classes);
        std::vector<float> logits = normal_values(5 * classes, 2, 2);
        std::vector<double> values = doubles(logits);
        const std::vector<double> expected =
            finite_differences(values, [&] { return reference(values, labels, smoothing).loss; });
        run(executor, logits, labels, smoothing, true);
        expect_close(logits, expected, 2e-7, 2e-6);
      }
    }
  });
}

TEST(CrossEntropy, WithoutGradientTheLogitsStay) {
  ThreadPool pool(1);
  Executor executor{pool};
  const std::vector<float> before = normal_values(300, 3);
  const std::vector<float> logits = before;
  run(executor, logits, labels_of(3, 100), 0.1f, false);
  EXPECT_TRUE(same_bits(logits, before));
}

TEST(CrossEntropy, OnlyTheFirstOfEqualLargestIsCorrect) {
  for_each_machine([](Executor& executor) {
    std::vector<float> logits(3 * 70, 1.0f);
    for (int row = 0; row < 3; ++row)
      logits[static_cast<size_t>(row * 70 + 40)] = logits[static_cast<size_t>(row * 70 + 66)] = 5;
    EXPECT_EQ(run(executor, logits, {40, 66, 3}, 0, false).correct, 1);
    EXPECT_EQ(run(executor, std::vector<float>(50, 2.0f), {0}, 0, false).correct, 1);
    EXPECT_EQ(run(executor, std::vector<float>(50, 2.0f), {1}, 0, false).correct, 0);
  });
}

TEST(CrossEntropy, HugeLogitsDoNotOverflow) {
  for_each_machine([](Executor& executor) {
    std::vector<float> logits(100, -3e4f);
    logits[7] = 3e4f;
    EXPECT_EQ(run(executor, logits, {7}, 0, false).nll, 0);
    EXPECT_NEAR(run(executor, logits, {8}, 0, true).nll, 6e4, 1e-2);
    EXPECT_EQ(logits[7], 1.0f);
    EXPECT_EQ(logits[8], -1.0f);
    EXPECT_EQ(logits[9], 0.0f);
  });
}

TEST(CrossEntropy, NaNAndInfiniteLogitsReachTheLoss) {
  for_each_machine([](Executor& executor) {
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      for (size_t place : {0u, 17u, 99u}) {
        for (int32_t label : {0, 17, 50}) {
          std::vector<float> logits = normal_values(100, 4);
          logits[place] = bad;
          EXPECT_FALSE(std::isfinite(run(executor, logits, {label}, 0.1f, true).loss)) << place << " " << label;
        }
      }
    }
    EXPECT_FALSE(std::isfinite(
        run(executor, std::vector<float>(100, -std::numeric_limits<float>::infinity()), {3}, 0, true).loss));
  });
}

TEST(CrossEntropy, HasTheSameBitsForAnyThreads) {
  const std::vector<int32_t> labels = labels_of(37, 3001);
  const std::vector<float> before = normal_values(37 * 3001, 5);
  std::vector<double> sums_of_one;
  expect_same_bits_for_any_threads([&](Executor& executor) {
    std::vector<float> logits = before;
    const CrossEntropySums sums = run(executor, logits, labels, 0.1f, true);
    std::vector<double> result(logits.begin(), logits.end());
    result.insert(result.end(), {sums.loss, sums.nll, static_cast<double>(sums.correct)});
    return result;
  });
}

}  // namespace
}  // namespace podium
