// The sums of a softmax over a long row. Compiled once per instruction set.
#if defined(PODIUM_SOFTMAX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef PODIUM_SOFTMAX_INL_H
#undef PODIUM_SOFTMAX_INL_H
#else
#define PODIUM_SOFTMAX_INL_H
#endif

#include <algorithm>
#include <limits>

#include "hwy/highway.h"
#include "worker/kernels/cpu/math-inl.h"
#include "worker/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE float largest(int64_t count, const float* x) {
  const FloatVector lowest = constant(-std::numeric_limits<float>::infinity());
  const FloatVector result = reduce_vectors(
      count, lowest, [&](auto access, int64_t i) PODIUM_INLINE { return access.keep_or(access.load(x + i), lowest); },
      [](FloatVector a, FloatVector b) PODIUM_INLINE { return hn::Max(a, b); });
  return hn::GetLane(hn::MaxOfLanes(Floats(), result));
}

// Sums in float32 over blocks of so many columns, added in float64.
inline constexpr int64_t kSumBlock = 2048;

// The sum of e^(x - shift) over a row, which replaces x where it is to be kept.
HWY_INLINE double sum_of_exponentials(int64_t count, float* x, float shift, bool keep) {
  const FloatVector offset = constant(shift);
  double sum = 0;
  for (int64_t begin = 0; begin < count; begin += kSumBlock) {
    float* block = x + begin;
    sum += sum_vectors(std::min(kSumBlock, count - begin), [&](auto access, int64_t i) PODIUM_INLINE {
      const FloatVector e = exponential(hn::Sub(access.load(block + i), offset));
      if (keep) access.store(e, block + i);
      return e;
    });
  }
  return sum;
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
