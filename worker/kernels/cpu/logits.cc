#include "worker/kernels/logits.h"

#include <cmath>

#include "worker/base/error.h"
#include "worker/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/kernels/cpu/logits.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "worker/kernels/cpu/simd-inl.h"
#include "worker/kernels/cpu/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {

// 0 · x is 0 for finite numbers and NaN for all others, and NaN stays in a sum.
bool all_finite_row(int64_t count, const float* x) {
  return sum_vectors(count, [&](auto access, int64_t i)
                                PODIUM_INLINE { return hn::Mul(access.load(x + i), constant(0.0f)); }) == 0.0f;
}

int64_t argmax_row(int64_t count, const float* x) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  const float maximum = largest(count, x);
  const FloatVector value = constant(maximum);
  int64_t i = 0;
  while (i + lanes <= count && hn::AllFalse(Floats(), hn::Eq(hn::LoadU(Floats(), x + i), value))) i += lanes;
  while (i + 1 < count && x[i] != maximum) ++i;
  return i;
}

void log_softmax_row(int64_t count, float* x) {
  const float maximum = largest(count, x);
  const double sum = sum_of_exponentials(count, x, maximum, false);
  // One after the other: their sum would round what is near the maximum.
  const FloatVector first = constant(maximum), second = constant(static_cast<float>(std::log(sum)));
  for_vectors(count, [&](auto access, int64_t i)
                         PODIUM_INLINE { access.store(hn::Sub(hn::Sub(access.load(x + i), first), second), x + i); });
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace podium {
HWY_EXPORT(all_finite_row);
HWY_EXPORT(argmax_row);
HWY_EXPORT(log_softmax_row);

bool all_finite(std::span<const float> row) {
  return HWY_DYNAMIC_DISPATCH(all_finite_row)(std::ssize(row), row.data());
}

int32_t argmax(std::span<const float> row) {
  PODIUM_CHECK(!row.empty(), "an empty row");
  return static_cast<int32_t>(HWY_DYNAMIC_DISPATCH(argmax_row)(std::ssize(row), row.data()));
}

void log_softmax(std::span<float> row) { HWY_DYNAMIC_DISPATCH(log_softmax_row)(std::ssize(row), row.data()); }

}  // namespace podium
#endif
