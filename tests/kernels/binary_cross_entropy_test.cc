// Binary cross-entropy against plain double, its gradient against finite differences, and extreme logits.
#include "worker/kernels/binary_cross_entropy.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/kernels/kernel_testing.h"

namespace podium {
namespace {

const std::vector<int32_t> kTargets = {1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1};
const std::vector<float> kWeights = {0.5f, 2, 1};

double reference(const std::vector<double>& logits, const std::vector<float>& weights, double smoothing) {
  const size_t labels = 3;
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double target = kTargets[i] * (1 - smoothing) + 0.5 * smoothing, p = 1 / (1 + std::exp(-logits[i]));
    const double weight = weights.empty() ? 1 : weights[i % labels];
    sum -= weight * (target * std::log(p) + (1 - target) * std::log(1 - p)) / static_cast<double>(labels);
  }
  return sum;
}

CrossEntropySums run(Executor& executor, const std::vector<float>& logits, const BinaryCrossEntropyOptions& options) {
  std::vector<double> scratch(8);
  return binary_cross_entropy(executor, tensor_of(logits, {4, 3}), kTargets, options, scratch);
}

TEST(BinaryCrossEntropy, LossAndGradientMatchDouble) {
  for_each_machine([](Executor& executor) {
    for (const std::vector<float>& weights : {std::vector<float>(), kWeights}) {
      for (float smoothing : {0.0f, 0.2f}) {
        std::vector<float> logits = normal_values(12, 1, 2);
        std::vector<double> values = doubles(logits);
        const CrossEntropySums sums = run(executor, logits, {weights, smoothing, 0.5, false});
        EXPECT_NEAR(sums.loss, reference(values, weights, smoothing), 1e-6 * sums.loss);
        EXPECT_NEAR(sums.nll, reference(values, {}, 0), 1e-6 * sums.nll);
        EXPECT_EQ(sums.rows, 4);
        const std::vector<double> expected =
            finite_differences(values, [&] { return reference(values, weights, smoothing); });
        EXPECT_EQ(run(executor, logits, {weights, smoothing, 0.5, true}).loss, sums.loss);
        expect_close(logits, expected, 2e-7, 2e-6);
      }
    }
  });
}

TEST(BinaryCrossEntropy, ARowIsCorrectWhenEveryLabelIs) {
  ThreadPool pool(1);
  Executor executor{pool};
  const std::vector<float> logits = {3, -3, -3, 3, 3, -3, -3, -3, 3, 0.5f, 0.5f, 0.5f};
  EXPECT_EQ(run(executor, logits, {}).correct, 3);
  EXPECT_EQ(run(executor, logits, {.threshold = 0.7}).correct, 2);
  EXPECT_EQ(run(executor, std::vector<float>(12, 0), {}).correct, 1) << "half is enough: all labels are predicted";
}

TEST(BinaryCrossEntropy, HugeLogitsDoNotOverflow) {
  for_each_machine([](Executor& executor) {
    std::vector<float> logits(12);
    for (size_t i = 0; i < 12; ++i) logits[i] = kTargets[i] == 1 ? 3e4f : -3e4f;
    EXPECT_EQ(run(executor, logits, {}).loss, 0);
    logits[0] = -3e4f;
    EXPECT_NEAR(run(executor, logits, {.gradient = true}).loss, 1e4, 1e-6);
    EXPECT_EQ(logits[0], -1.0f / 3);
    EXPECT_EQ(logits[1], 0.0f);
    EXPECT_EQ(sigmoid(-200), 0.0f);
    EXPECT_EQ(sigmoid(200), 1.0f);
  });
}

TEST(BinaryCrossEntropy, NaNAndInfiniteLogitsReachTheLoss) {
  ThreadPool pool(1);
  Executor executor{pool};
  std::vector<float> logits = normal_values(12, 4);
  logits[7] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(std::isfinite(run(executor, logits, {}).loss));
  logits[7] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(std::isfinite(run(executor, logits, {}).loss));
}

TEST(BinaryCrossEntropy, HasTheSameBitsForAnyThreads) {
  expect_same_bits_for_any_threads([](Executor& executor) {
    std::vector<float> logits = normal_values(12, 5);
    const CrossEntropySums sums = run(executor, logits, {kWeights, 0.1f, 0.5, true});
    std::vector<double> result(logits.begin(), logits.end());
    result.insert(result.end(), {sums.loss, sums.nll, static_cast<double>(sums.correct)});
    return result;
  });
}

}  // namespace
}  // namespace podium
