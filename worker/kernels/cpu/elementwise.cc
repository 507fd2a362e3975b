// Sums of buffers and checks over them.
#include "worker/kernels/elementwise.h"

#include <algorithm>
#include <cmath>

#include "worker/kernels/cpu/pieces.h"
#include "worker/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/kernels/cpu/elementwise.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "worker/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {

void add_elements(int64_t count, const float* a, const float* b, float* out) {
  for_vectors(count, [&](auto access, int64_t i)
                         PODIUM_INLINE { access.store(hn::Add(access.load(a + i), access.load(b + i)), out + i); });
}

// The sum of squares in float64 of up to kNormChunk elements. Element i is added to lane i % 32, whatever the width of
// a vector, and the lanes are added pairwise. (A float32's square is exact in float64, so fusing changes nothing.)
double chunk_sum_of_squares(int64_t count, const float* values) {
  constexpr int64_t kLanes = 32;
  using Doubles = hn::ScalableTag<double>;
  constexpr int64_t kWidth = hn::MaxLanes(Doubles());
  constexpr int64_t kVectors = kLanes / kWidth;
  const Doubles doubles;
  const hn::Rebind<float, Doubles> floats;
  hn::Vec<Doubles> sums[kVectors];
#pragma GCC unroll 16
  for (int64_t k = 0; k < kVectors; ++k) sums[k] = hn::Zero(doubles);
  const auto add_block = [&](const float* block) PODIUM_INLINE {
#pragma GCC unroll 16
    for (int64_t k = 0; k < kVectors; ++k) {
      const auto value = hn::PromoteTo(doubles, hn::LoadU(floats, block + k * kWidth));
      sums[k] = hn::MulAdd(value, value, sums[k]);
    }
  };
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) add_block(values + i);
  if (i < count) {
    float last[kLanes] = {};
    std::copy(values + i, values + count, last);
    add_block(last);
  }
  double lane[kLanes];
#pragma GCC unroll 16
  for (int64_t k = 0; k < kVectors; ++k) hn::StoreU(sums[k], doubles, lane + k * kWidth);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t k = 0; k < half; ++k) lane[k] += lane[k + half];
  }
  return lane[0];
}

int64_t find_non_finite(int64_t count, const float* values) {
  const Floats d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto finite = hn::IsFinite(hn::LoadU(d, values + i));
    if (!hn::AllTrue(d, finite)) return i + hn::FindFirstTrue(d, hn::Not(finite));
  }
  for (; i < count; ++i) {
    if (!std::isfinite(values[i])) return i;
  }
  return -1;
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace podium {
HWY_EXPORT(add_elements);
HWY_EXPORT(chunk_sum_of_squares);
HWY_EXPORT(find_non_finite);

void add(Executor& executor, std::span<const float> a, std::span<const float> b, std::span<float> out) {
  PODIUM_CHECK(a.size() == out.size() && b.size() == out.size(), "{}, {} and {}", a.size(), b.size(), out.size());
  const auto add_piece = HWY_DYNAMIC_DISPATCH(add_elements);
  for_pieces(executor, static_cast<int64_t>(out.size()), kElementsPerPiece, [&](int64_t begin, int64_t count) {
    add_piece(count, a.data() + begin, b.data() + begin, out.data() + begin);
  });
}

double sum_of_squares(Executor& executor, std::span<const float> values, std::span<double> chunk_sums) {
  const int64_t count = static_cast<int64_t>(values.size());
  const int64_t chunks = (count + kNormChunk - 1) / kNormChunk;
  PODIUM_CHECK(static_cast<int64_t>(chunk_sums.size()) >= chunks, "{} sums for {} chunks", chunk_sums.size(), chunks);
  const auto chunk_sum = HWY_DYNAMIC_DISPATCH(chunk_sum_of_squares);
  for_pieces(executor, count, kNormChunk, [&](int64_t begin, int64_t size) {
    chunk_sums[static_cast<size_t>(begin / kNormChunk)] = chunk_sum(size, values.data() + begin);
  });
  double sum = 0;
  for (int64_t i = 0; i < chunks; ++i) sum += chunk_sums[static_cast<size_t>(i)];
  return sum;
}

int64_t first_non_finite(std::span<const float> values) {
  return HWY_DYNAMIC_DISPATCH(find_non_finite)(static_cast<int64_t>(values.size()), values.data());
}

}  // namespace podium
#endif
