// Token embeddings with positions.
#include "worker/kernels/embedding.h"

#include "worker/kernels/cpu/pieces.h"
#include "worker/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/kernels/cpu/embedding.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "worker/kernels/cpu/philox-inl.h"
#include "worker/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {

// y (columns) of row `row` from its rows of the two tables.
void embed_row(const Dropout& dropout, int64_t row, int64_t columns, float scale, const float* embedding,
               const float* position, float* y) {
  const FloatVector factor = hn::Set(Floats(), scale);
  if (!dropout.active()) {
    for_vectors(columns, [&](auto access, int64_t i) PODIUM_INLINE {
      access.store(hn::MulAdd(factor, access.load(embedding + i), access.load(position + i)), y + i);
    });
    return;
  }
  alignas(64) float multiplier[kMultiplierStrip];
  for (int64_t strip = 0; strip < columns; strip += kMultiplierStrip) {
    const int64_t size = std::min(kMultiplierStrip, columns - strip);
    fill_multipliers(dropout, row * columns + strip, size, multiplier);
    for_vectors(size, [&](auto access, int64_t i) PODIUM_INLINE {
      const FloatVector sum = hn::MulAdd(factor, access.load(embedding + strip + i), access.load(position + strip + i));
      access.store(hn::Mul(sum, access.load(multiplier + i)), y + strip + i);
    });
  }
}

// table_gradient[i] += scale · the dropped-out gradient, for `columns` <= kMultiplierStrip elements that begin at
// `first_element` of the mask.
void add_gradient(const Dropout& dropout, int64_t first_element, int64_t columns, float scale, const float* y_gradient,
                  float* table_gradient) {
  const FloatVector factor = hn::Set(Floats(), scale);
  if (!dropout.active()) {
    for_vectors(columns, [&](auto access, int64_t i) PODIUM_INLINE {
      access.store(hn::MulAdd(factor, access.load(y_gradient + i), access.load(table_gradient + i)),
                   table_gradient + i);
    });
    return;
  }
  alignas(64) float multiplier[kMultiplierStrip];
  fill_multipliers(dropout, first_element, columns, multiplier);
  for_vectors(columns, [&](auto access, int64_t i) PODIUM_INLINE {
    const FloatVector gradient = hn::Mul(access.load(y_gradient + i), access.load(multiplier + i));
    access.store(hn::MulAdd(factor, gradient, access.load(table_gradient + i)), table_gradient + i);
  });
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace podium {
HWY_EXPORT(embed_row);
HWY_EXPORT(add_gradient);

namespace {

// Columns of the gradient that one piece adds, over all rows in order: a multiple of the generator's group.
constexpr int64_t kGradientColumns = 256;

void check_index(int32_t index, int64_t limit, int64_t row, const char* what) {
  PODIUM_CHECK(index >= 0 && index < limit, "{} {} of row {} is not below {}", what, index, row, limit);
}

}  // namespace

void embedding_forward(Executor& executor, std::span<const int32_t> tokens, std::span<const int32_t> position,
                       const Tensor& table, const Tensor& positions, float scale, const Dropout& dropout,
                       const Tensor& y) {
  const int64_t columns = table.columns();
  PODIUM_CHECK(y.columns() == columns && positions.columns() == columns, "{}, {} and {}", table.shape.text(),
               positions.shape.text(), y.shape.text());
  PODIUM_CHECK(static_cast<int64_t>(tokens.size()) == y.rows() && position.size() == tokens.size(),
               "{} tokens, {} positions, {} rows", tokens.size(), position.size(), y.rows());
  const auto embed = HWY_DYNAMIC_DISPATCH(embed_row);
  for_pieces(executor, y.rows(), kRowsPerPiece, [&](int64_t begin, int64_t count) {
    for (int64_t row = begin; row < begin + count; ++row) {
      const int32_t token = tokens[static_cast<size_t>(row)], place = position[static_cast<size_t>(row)];
      check_index(token, table.rows(), row, "token");
      check_index(place, positions.rows(), row, "position");
      embed(dropout, row, columns, scale, table.f32() + token * columns, positions.f32() + place * columns,
            y.f32() + row * columns);
    }
  });
}

void embedding_backward(Executor& executor, std::span<const int32_t> tokens, const Tensor& y_gradient, float scale,
                        const Dropout& dropout, int32_t ignored_token, bool zero_first, const Tensor& table_gradient) {
  const int64_t columns = table_gradient.columns();
  PODIUM_CHECK(y_gradient.columns() == columns && y_gradient.rows() == static_cast<int64_t>(tokens.size()),
               "{} tokens, {} and {}", tokens.size(), y_gradient.shape.text(), table_gradient.shape.text());
  for (size_t row = 0; row < tokens.size(); ++row) {
    check_index(tokens[row], table_gradient.rows(), static_cast<int64_t>(row), "token");
  }
  float* gradient = table_gradient.f32();
  if (zero_first) {
    for_pieces(executor, table_gradient.size(), kElementsPerPiece,
               [&](int64_t begin, int64_t count) { std::fill(gradient + begin, gradient + begin + count, 0.0f); });
  }
  const auto add = HWY_DYNAMIC_DISPATCH(add_gradient);
  for_pieces(executor, columns, kGradientColumns, [&](int64_t column, int64_t count) {
    for (int64_t row = 0; row < y_gradient.rows(); ++row) {
      const int32_t token = tokens[static_cast<size_t>(row)];
      if (token == ignored_token) continue;
      const int64_t element = row * columns + column;
      add(dropout, element, count, scale, y_gradient.f32() + element, gradient + token * columns + column);
    }
  });
}

}  // namespace podium
#endif
