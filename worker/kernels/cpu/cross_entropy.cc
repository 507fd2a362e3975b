// Softmax and cross-entropy: three passes over a row of logits, which stays in the cache meanwhile.
#include "worker/kernels/cross_entropy.h"

#include <atomic>
#include <cmath>
#include <limits>

#include "worker/kernels/cpu/pieces.h"
#include "worker/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/kernels/cpu/cross_entropy.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "worker/kernels/cpu/math-inl.h"
#include "worker/kernels/cpu/simd-inl.h"
#include "worker/kernels/cpu/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {

HWY_INLINE double plain_sum(int64_t count, const float* x) {
  double sum = 0;
  for (int64_t begin = 0; begin < count; begin += kSumBlock) {
    sum += sum_vectors(std::min(kSumBlock, count - begin),
                       [&](auto access, int64_t i) PODIUM_INLINE { return access.load(x + begin + i); });
  }
  return sum;
}

HWY_INLINE bool is_first_of_largest(const float* x, int32_t label, float maximum) {
  if (x[label] != maximum) return false;
  const FloatVector value = constant(maximum);
  bool first = true;
  for_vectors(label, [&](auto access, int64_t i) PODIUM_INLINE {
    const FloatVector other = access.keep_or(access.load(x + i), constant(-std::numeric_limits<float>::infinity()));
    first = first && hn::AllFalse(Floats(), hn::Eq(other, value));
  });
  return first;
}

// One row of logits, replaced by its gradient where that is wanted. NaN and infinities spread into the loss.
void cross_entropy_row(int64_t classes, float* x, int32_t label, float smoothing, bool gradient, double* loss,
                       double* nll, bool* correct) {
  const float maximum = largest(classes, x);
  const double label_logit = x[label];
  *correct = is_first_of_largest(x, label, maximum);
  const double mean_logit = smoothing > 0 ? plain_sum(classes, x) / static_cast<double>(classes) : 0;
  const double sum = sum_of_exponentials(classes, x, maximum, gradient);
  const double log_sum = std::log(sum) + maximum;
  *nll = log_sum - label_logit;
  *loss = smoothing > 0 ? (1.0 - smoothing) * *nll + smoothing * (log_sum - mean_logit) : *nll;
  if (!gradient) return;
  const FloatVector factor = constant(static_cast<float>(1.0 / sum));
  const FloatVector spread = constant(static_cast<float>(smoothing / static_cast<double>(classes)));
  for_vectors(classes, [&](auto access, int64_t i)
                           PODIUM_INLINE { access.store(hn::MulSub(access.load(x + i), factor, spread), x + i); });
  x[label] -= 1.0f - smoothing;
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace podium {
HWY_EXPORT(cross_entropy_row);

CrossEntropySums cross_entropy(Executor& executor, const Tensor& logits, std::span<const int32_t> labels,
                               float label_smoothing, bool gradient, std::span<double> scratch) {
  const int64_t rows = logits.rows(), classes = logits.columns();
  PODIUM_CHECK(static_cast<int64_t>(labels.size()) == rows && static_cast<int64_t>(scratch.size()) >= 2 * rows,
               "{} labels and {} of scratch for {}", labels.size(), scratch.size(), logits.shape.text());
  constexpr int64_t kRows = 4;
  double* loss = scratch.data();
  double* nll = loss + rows;
  std::atomic<int64_t> correct = 0;  // whole numbers: the order does not matter
  const auto row_loss = HWY_DYNAMIC_DISPATCH(cross_entropy_row);
  for_pieces(executor, rows, kRows, [&](int64_t begin, int64_t count) {
    int64_t correct_here = 0;
    for (int64_t row = begin; row < begin + count; ++row) {
      const int32_t label = labels[static_cast<size_t>(row)];
      PODIUM_CHECK(label >= 0 && label < classes, "label {} of row {}; {} classes", label, row, classes);
      bool is_correct = false;
      row_loss(classes, logits.f32() + row * classes, label, label_smoothing, gradient, loss + row, nll + row,
               &is_correct);
      correct_here += is_correct;
    }
    correct += correct_here;
  });
  CrossEntropySums sums;
  for (int64_t row = 0; row < rows; ++row) {
    sums.loss += loss[row];
    sums.nll += nll[row];
  }
  sums.correct = correct;
  sums.rows = rows;
  return sums;
}

}  // namespace podium
#endif
