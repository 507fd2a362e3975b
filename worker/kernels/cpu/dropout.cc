// Dropout on its own. The generator is in philox-inl.h.
#include "worker/kernels/dropout.h"

#include "worker/kernels/cpu/pieces.h"
#include "worker/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/kernels/cpu/dropout.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "worker/kernels/cpu/philox-inl.h"
#include "worker/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {

void multipliers(const Dropout& dropout, int64_t begin, int64_t count, float* out) {
  fill_multipliers(dropout, begin, count, out);
}

void multiply(const Dropout& dropout, int64_t begin, int64_t count, const float* x, float* y) {
  alignas(64) float multiplier[kMultiplierStrip];
  for (int64_t strip = 0; strip < count; strip += kMultiplierStrip) {
    const int64_t size = std::min(kMultiplierStrip, count - strip);
    fill_multipliers(dropout, begin + strip, size, multiplier);
    for_vectors(size, [&](auto access, int64_t i) PODIUM_INLINE {
      access.store(hn::Mul(access.load(x + strip + i), access.load(multiplier + i)), y + strip + i);
    });
  }
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace podium {
HWY_EXPORT(multipliers);
HWY_EXPORT(multiply);

void dropout_multipliers(const Dropout& dropout, int64_t begin, std::span<float> multipliers) {
  PODIUM_CHECK(begin >= 0, "element {}", begin);
  if (!dropout.active()) {
    std::fill(multipliers.begin(), multipliers.end(), 1.0f);
    return;
  }
  HWY_DYNAMIC_DISPATCH(multipliers)(dropout, begin, static_cast<int64_t>(multipliers.size()), multipliers.data());
}

void dropout(Executor& executor, const Dropout& dropout, const Tensor& x, const Tensor& y) {
  PODIUM_CHECK(x.size() == y.size(), "{} and {}", x.shape.text(), y.shape.text());
  const float* from = x.f32();
  float* to = y.f32();
  if (!dropout.active()) {
    if (from != to) std::copy(from, from + x.size(), to);
    return;
  }
  const auto multiply = HWY_DYNAMIC_DISPATCH(multiply);
  for_pieces(executor, x.size(), kElementsPerPiece,
             [&](int64_t begin, int64_t count) { multiply(dropout, begin, count, from + begin, to + begin); });
}

}  // namespace podium
#endif
