// Rows of a few numbers: plain double, which no instruction set changes.
#include "worker/kernels/binary_cross_entropy.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "worker/kernels/cpu/pieces.h"

namespace podium {
namespace {

double logistic(double x) {
  const double small = std::exp(-std::abs(x));
  return (x < 0 ? small : 1.0) / (1.0 + small);
}

struct RowLoss {
  double loss = 0, nll = 0;
  bool correct = true;
};

// One row, replaced by its gradient where that is wanted. NaN spreads into the loss.
RowLoss row_loss(std::span<float> x, std::span<const int32_t> targets, const BinaryCrossEntropyOptions& options) {
  RowLoss row;
  const double share = 1.0 / static_cast<double>(x.size()), smoothing = options.label_smoothing;
  for (size_t k = 0; k < x.size(); ++k) {
    const double logit = x[k], wanted = targets[k];
    const double target = wanted * (1 - smoothing) + 0.5 * smoothing;
    const double weight = options.weights.empty() ? 1.0 : options.weights[k];
    const double above = std::max(logit, 0.0) + std::log1p(std::exp(-std::abs(logit)));
    const double probability = logistic(logit);
    row.loss += weight * share * (above - logit * target);
    row.nll += share * (above - logit * wanted);
    row.correct = row.correct && (static_cast<float>(probability) >= options.threshold) == (targets[k] == 1);
    if (options.gradient) x[k] = static_cast<float>(weight * share * (probability - target));
  }
  return row;
}

}  // namespace

float sigmoid(float x) { return static_cast<float>(logistic(x)); }

CrossEntropySums binary_cross_entropy(Executor& executor, const Tensor& logits, std::span<const int32_t> targets,
                                      const BinaryCrossEntropyOptions& options, std::span<double> scratch) {
  const int64_t rows = logits.rows(), labels = logits.columns();
  PODIUM_CHECK(static_cast<int64_t>(targets.size()) == rows * labels && std::ssize(scratch) >= 2 * rows,
               "{} targets and {} of scratch for {}", targets.size(), scratch.size(), logits.shape.text());
  PODIUM_CHECK(options.weights.empty() || std::ssize(options.weights) == labels, "{} weights of {} labels",
               options.weights.size(), labels);
  constexpr int64_t kRows = 4;
  const size_t columns = static_cast<size_t>(labels);
  std::atomic<int64_t> correct = 0;  // whole numbers: the order does not matter
  for_pieces(executor, rows, kRows, [&](int64_t begin, int64_t count) {
    for (int64_t row = begin; row < begin + count; ++row) {
      const RowLoss loss = row_loss({logits.f32() + row * labels, columns},
                                    targets.subspan(static_cast<size_t>(row) * columns, columns), options);
      scratch[static_cast<size_t>(row)] = loss.loss;
      scratch[static_cast<size_t>(rows + row)] = loss.nll;
      correct += loss.correct ? 1 : 0;
    }
  });
  CrossEntropySums sums;
  for (int64_t row = 0; row < rows; ++row) {
    sums.loss += scratch[static_cast<size_t>(row)];
    sums.nll += scratch[static_cast<size_t>(rows + row)];
  }
  sums.correct = correct;
  sums.rows = rows;
  return sums;
}

}  // namespace podium
