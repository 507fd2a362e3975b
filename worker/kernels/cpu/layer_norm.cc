// Layer normalisation fused with the bias, dropout and residual before it.
#include "worker/kernels/layer_norm.h"

#include <cmath>
#include <vector>

#include "worker/kernels/cpu/pieces.h"
#include "worker/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/kernels/cpu/layer_norm.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "worker/kernels/cpu/philox-inl.h"
#include "worker/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {

HWY_INLINE float* row_of(const Tensor& tensor, int64_t row) {
  return tensor.empty() ? nullptr : tensor.f32() + row * tensor.columns();
}

// Row `row` of sum = residual + dropout(x + bias); returns the sum of its elements.
HWY_INLINE float add_residual(const ResidualLayerNorm& a, int64_t row, int64_t columns) {
  const float* x = row_of(a.x, row);
  const float* bias = row_of(a.bias, 0);
  const float* residual = row_of(a.residual, row);
  float* sum = row_of(a.sum, row);
  alignas(64) float multiplier[kMultiplierStrip];
  float total = 0;
  for (int64_t strip = 0; strip < columns; strip += kMultiplierStrip) {
    const int64_t size = std::min(kMultiplierStrip, columns - strip);
    if (a.dropout.active()) fill_multipliers(a.dropout, row * columns + strip, size, multiplier);
    total += sum_vectors(size, [&](auto access, int64_t i) PODIUM_INLINE {
      FloatVector value = access.load(x + strip + i);
      if (bias != nullptr) value = hn::Add(value, access.load(bias + strip + i));
      if (a.dropout.active()) value = hn::Mul(value, access.load(multiplier + i));
      value = hn::Add(value, access.load(residual + strip + i));
      access.store(value, sum + strip + i);
      return value;
    });
  }
  return total;
}

// The same without x and bias: sum = residual, stored where it is wanted.
HWY_INLINE float take_residual(const ResidualLayerNorm& a, int64_t row, int64_t columns) {
  const float* residual = row_of(a.residual, row);
  float* sum = row_of(a.sum, row);
  return sum_vectors(columns, [&](auto access, int64_t i) PODIUM_INLINE {
    const FloatVector value = access.load(residual + i);
    if (sum != nullptr) access.store(value, sum + i);
    return value;
  });
}

void forward_rows(const ResidualLayerNorm& a, int64_t begin, int64_t count) {
  const int64_t columns = a.residual.columns();
  const float* gamma = a.gamma.f32();
  const float* beta = a.beta.f32();
  for (int64_t row = begin; row < begin + count; ++row) {
    const float total = a.x.empty() ? take_residual(a, row, columns) : add_residual(a, row, columns);
    const float* sum = a.sum.empty() ? row_of(a.residual, row) : row_of(a.sum, row);
    float* normalized = row_of(a.normalized, row);
    const float mean = total / static_cast<float>(columns);
    const FloatVector center = hn::Set(Floats(), mean);
    const float squares = sum_vectors(columns, [&](auto access, int64_t i) PODIUM_INLINE {
      const FloatVector deviation = hn::Sub(access.load(sum + i), center);
      return hn::Mul(deviation, deviation);
    });
    const float rstd = 1.0f / std::sqrt(squares / static_cast<float>(columns) + a.epsilon);
    const FloatVector factor = hn::Set(Floats(), rstd);
    for_vectors(columns, [&](auto access, int64_t i) PODIUM_INLINE {
      const FloatVector unit = hn::Mul(hn::Sub(access.load(sum + i), center), factor);
      access.store(hn::MulAdd(unit, access.load(gamma + i), access.load(beta + i)), normalized + i);
    });
    if (!a.mean.empty()) a.mean.f32()[row] = mean;
    if (!a.rstd.empty()) a.rstd.f32()[row] = rstd;
  }
}

// What the backward pass reads of one row.
struct BackwardRow {
  const float* gradient;  // of normalized
  const float* sum;
  const float* gamma;
  FloatVector mean, rstd;

  template <typename Access>
  HWY_INLINE FloatVector unit(Access access, int64_t i) const {
    return hn::Mul(hn::Sub(access.load(sum + i), mean), rstd);
  }
  template <typename Access>
  HWY_INLINE FloatVector unit_gradient(Access access, int64_t i) const {
    return hn::Mul(access.load(gradient + i), access.load(gamma + i));
  }
};

struct Pair {
  FloatVector first, second;
};

// The means over a row of unit's gradient, and of its product with unit, in all lanes.
HWY_INLINE Pair means_of_row(const BackwardRow& row, int64_t columns) {
  const Pair sums = reduce_vectors(
      columns, Pair{hn::Zero(Floats()), hn::Zero(Floats())},
      [&](auto access, int64_t i) PODIUM_INLINE {
        const FloatVector g = row.unit_gradient(access, i);
        return Pair{g, hn::Mul(g, row.unit(access, i))};
      },
      [](Pair p, Pair q) PODIUM_INLINE {
        return Pair{hn::Add(p.first, q.first), hn::Add(p.second, q.second)};
      });
  const float count = static_cast<float>(columns);
  return {hn::Set(Floats(), sum_of_lanes(sums.first) / count), hn::Set(Floats(), sum_of_lanes(sums.second) / count)};
}

// Rows [begin, begin + count) of the gradients. partial (3, D) receives their sums for gamma, beta and bias.
void backward_rows(const ResidualLayerNormBackward& a, int64_t begin, int64_t count, float* partial) {
  const int64_t columns = a.sum.columns();
  float* gamma_sum = partial;
  float* beta_sum = partial + columns;
  float* bias_sum = partial + 2 * columns;
  std::fill(partial, partial + 3 * columns, 0.0f);
  const bool with_x = !a.x_gradient.empty(), with_bias = !a.bias_gradient.empty();
  const bool with_dropout = a.dropout.active() && (with_x || with_bias);
  alignas(64) float multiplier[kMultiplierStrip];
  for (int64_t r = begin; r < begin + count; ++r) {
    const BackwardRow row{row_of(a.normalized_gradient, r), row_of(a.sum, r), a.gamma.f32(),
                          hn::Set(Floats(), a.mean.f32()[r]), hn::Set(Floats(), a.rstd.f32()[r])};
    const Pair means = means_of_row(row, columns);
    float* sum_gradient = row_of(a.sum_gradient, r);
    float* x_gradient = row_of(a.x_gradient, r);
    for (int64_t strip = 0; strip < columns; strip += kMultiplierStrip) {
      const int64_t size = std::min(kMultiplierStrip, columns - strip);
      if (with_dropout) fill_multipliers(a.dropout, r * columns + strip, size, multiplier);
      for_vectors(size, [&](auto access, int64_t in_strip) PODIUM_INLINE {
        const int64_t i = strip + in_strip;
        const FloatVector unit = row.unit(access, i), g = access.load(row.gradient + i);
        const FloatVector deviation = hn::Sub(row.unit_gradient(access, i), means.first);
        FloatVector result = hn::Mul(row.rstd, hn::NegMulAdd(unit, means.second, deviation));
        if (a.add_to_sum_gradient) result = hn::Add(result, access.load(sum_gradient + i));
        access.store(result, sum_gradient + i);
        if (with_dropout) result = hn::Mul(result, access.load(multiplier + in_strip));
        if (with_x) access.store(result, x_gradient + i);
        if (with_bias) access.store(hn::Add(access.load(bias_sum + i), result), bias_sum + i);
        access.store(hn::MulAdd(g, unit, access.load(gamma_sum + i)), gamma_sum + i);
        access.store(hn::Add(access.load(beta_sum + i), g), beta_sum + i);
      });
    }
  }
}

// to (columns) = the sum over pieces, in order, of partials (pieces, stride).
void add_partials(int64_t pieces, int64_t stride, int64_t columns, const float* partials, float* to) {
  for_vectors(columns, [&](auto access, int64_t i) PODIUM_INLINE {
    FloatVector sum = hn::Zero(Floats());
    for (int64_t piece = 0; piece < pieces; ++piece) sum = hn::Add(sum, access.load(partials + piece * stride + i));
    access.store(sum, to + i);
  });
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace podium {
HWY_EXPORT(forward_rows);
HWY_EXPORT(backward_rows);
HWY_EXPORT(add_partials);

namespace {

void check_shape(const Tensor& tensor, int64_t size, bool may_be_empty, const char* name) {
  PODIUM_CHECK(tensor.empty() ? may_be_empty : tensor.size() == size, "{} is {}, expected {} elements", name,
               tensor.empty() ? "empty" : tensor.shape.text(), size);
}

}  // namespace

void residual_layer_norm_forward(Executor& executor, const ResidualLayerNorm& a) {
  const int64_t columns = a.residual.columns(), rows = a.residual.rows(), size = rows * columns;
  check_shape(a.residual, size, false, "residual");
  check_shape(a.x, size, true, "x");
  check_shape(a.bias, columns, true, "bias");
  check_shape(a.sum, size, a.x.empty(), "sum");
  check_shape(a.normalized, size, false, "normalized");
  check_shape(a.gamma, columns, false, "gamma");
  check_shape(a.beta, columns, false, "beta");
  check_shape(a.mean, rows, true, "mean");
  check_shape(a.rstd, rows, true, "rstd");
  const auto forward = HWY_DYNAMIC_DISPATCH(forward_rows);
  for_pieces(executor, rows, kRowsPerPiece, [&](int64_t row, int64_t count) { forward(a, row, count); });
}

void residual_layer_norm_backward(Executor& executor, const ResidualLayerNormBackward& a) {
  const int64_t columns = a.sum.columns(), rows = a.sum.rows(), size = rows * columns;
  check_shape(a.normalized_gradient, size, false, "normalized_gradient");
  check_shape(a.mean, rows, false, "mean");
  check_shape(a.rstd, rows, false, "rstd");
  check_shape(a.gamma, columns, false, "gamma");
  check_shape(a.sum_gradient, size, false, "sum_gradient");
  check_shape(a.x_gradient, size, true, "x_gradient");
  check_shape(a.gamma_gradient, columns, false, "gamma_gradient");
  check_shape(a.beta_gradient, columns, false, "beta_gradient");
  check_shape(a.bias_gradient, columns, true, "bias_gradient");
  const int64_t pieces = (rows + kRowsPerPiece - 1) / kRowsPerPiece, stride = 3 * columns;
  thread_local std::vector<float> partials;  // (pieces, 3, D) of the calling thread; only grows
  if (static_cast<int64_t>(partials.size()) < pieces * stride) partials.resize(static_cast<size_t>(pieces * stride));
  float* const partial = partials.data();
  const auto backward = HWY_DYNAMIC_DISPATCH(backward_rows);
  for_pieces(executor, rows, kRowsPerPiece,
             [&](int64_t row, int64_t count) { backward(a, row, count, partial + row / kRowsPerPiece * stride); });
  const auto add = HWY_DYNAMIC_DISPATCH(add_partials);
  add(pieces, stride, columns, partial, a.gamma_gradient.f32());
  add(pieces, stride, columns, partial + columns, a.beta_gradient.f32());
  if (!a.bias_gradient.empty()) add(pieces, stride, columns, partial + 2 * columns, a.bias_gradient.f32());
}

}  // namespace podium
#endif
