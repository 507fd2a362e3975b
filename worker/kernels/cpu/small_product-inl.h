// Matrix products of some ten rows and columns, as attention has them by the thousand: too small for a library call,
// whose packing would cost as much as the product. Compiled once per instruction set.
#if defined(PODIUM_SMALL_PRODUCT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef PODIUM_SMALL_PRODUCT_INL_H
#undef PODIUM_SMALL_PRODUCT_INL_H
#else
#define PODIUM_SMALL_PRODUCT_INL_H
#endif

#include <algorithm>
#include <cstdint>
#include <utility>

#include "hwy/highway.h"
#include "worker/kernels/cpu/attention_head.h"
#include "worker/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// What a triangular matrix in a product allows to leave out.
enum class Triangle : uint8_t {
  kNone,
  kResult,      // of c, columns beyond the row's index are not wanted and may be left as they were
  kSumToRow,    // a[i,l] is zero for l > i
  kSumFromRow,  // a[i,l] is zero for l < i
};

// c[i,j] = sum over l of a[i,l]·b[l,j], for i < m, j < n, l < k. Every element is summed in the order of l with fused
// multiply-adds, so it has the same bits on every instruction set.
struct SmallProduct {
  int64_t m, n, k;
  struct {
    const float* data;
    int64_t row_stride, sum_stride;  // of i and of l: {stride, 1}, or {1, stride} for a transposed one
  } a;
  RowsView b;  // rows as long as n rounded up to whole vectors
  RowsView c;
  Triangle triangle = Triangle::kNone;
};

// A tile of the result is kept in registers: 8×3 of 32 with AVX-512, 4×3 of 16 with AVX2, and b and a beside it.
inline constexpr int kTileRows = HWY_TARGET <= HWY_AVX3 ? 8 : 4;
inline constexpr int kTileVectors = 3;

// The tile from row i, column j, over l in [begin, end). `columns` are left from j on.
template <int kRows, int kVectors>
HWY_NOINLINE void product_tile(const SmallProduct& p, int64_t i, int64_t j, int64_t begin, int64_t end,
                               int64_t columns) {
  const Floats d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  FloatVector sum[kRows][kVectors];
  HWY_UNROLL(8)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(3)
    for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  }
  const float* HWY_RESTRICT a = p.a.data + i * p.a.row_stride + begin * p.a.sum_stride;
  const float* HWY_RESTRICT b = p.b.data + begin * p.b.stride + j;
  const int64_t a_row_stride = p.a.row_stride, a_sum_stride = p.a.sum_stride, b_stride = p.b.stride;
  for (int64_t l = begin; l < end; ++l, a += a_sum_stride, b += b_stride) {
    FloatVector b_row[kVectors];
    HWY_UNROLL(3)
    for (int v = 0; v < kVectors; ++v) b_row[v] = hn::LoadU(d, b + v * lanes);
    HWY_UNROLL(8)
    for (int r = 0; r < kRows; ++r) {
      const FloatVector factor = hn::Set(d, a[r * a_row_stride]);
      HWY_UNROLL(3)
      for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(factor, b_row[v], sum[r][v]);
    }
  }
  HWY_UNROLL(8)
  for (int r = 0; r < kRows; ++r) {
    float* const c = p.c.data + (i + r) * p.c.stride + j;
    HWY_UNROLL(3)
    for (int v = 0; v < kVectors; ++v) {
      const int64_t left = columns - v * lanes;
      if (left >= lanes) {
        hn::StoreU(sum[r][v], d, c + v * lanes);
      } else {
        hn::BlendedStore(sum[r][v], hn::FirstN(d, static_cast<size_t>(left)), d, c + v * lanes);
      }
    }
  }
}

using ProductTile = void (*)(const SmallProduct& p, int64_t i, int64_t j, int64_t begin, int64_t end, int64_t columns);

// The tiles of kVectors vectors by number of rows, from 1.
template <int kVectors, int... kRowsLessOne>
const ProductTile* product_tiles(std::integer_sequence<int, kRowsLessOne...>) {
  static constexpr ProductTile tiles[] = {&product_tile<kRowsLessOne + 1, kVectors>...};
  return tiles;
}

inline void small_product(const SmallProduct& p) {
  using Rows = std::make_integer_sequence<int, kTileRows>;
  const ProductTile* const tiles[kTileVectors] = {product_tiles<1>(Rows()), product_tiles<2>(Rows()),
                                                  product_tiles<3>(Rows())};
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  for (int64_t i = 0; i < p.m; i += kTileRows) {
    const int64_t rows = std::min<int64_t>(kTileRows, p.m - i);
    const int64_t n = p.triangle == Triangle::kResult ? std::min(p.n, (i + rows + lanes - 1) / lanes * lanes) : p.n;
    const int64_t begin = p.triangle == Triangle::kSumFromRow ? std::min(p.k, i) : 0;
    const int64_t end = p.triangle == Triangle::kSumToRow ? std::min(p.k, i + rows) : p.k;
    for (int64_t j = 0; j < n;) {
      const int64_t vectors = std::min<int64_t>(kTileVectors, (n - j + lanes - 1) / lanes);
      tiles[vectors - 1][rows - 1](p, i, j, begin, end, n - j);
      j += vectors * lanes;
    }
  }
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
