// Bias and activation after a matrix product.
#include "worker/kernels/linear_epilogue.h"

#include "worker/kernels/cpu/pieces.h"
#include "worker/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/kernels/cpu/linear_epilogue.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "worker/kernels/cpu/math-inl.h"
#include "worker/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {

// forward(x) and backward(x, g) = g times the derivative at x. NaN stays NaN.
struct Relu {
  static HWY_INLINE FloatVector forward(FloatVector x) { return hn::IfThenZeroElse(hn::Le(x, hn::Zero(Floats())), x); }
  static HWY_INLINE FloatVector backward(FloatVector x, FloatVector g) {
    return hn::IfThenZeroElse(hn::Le(x, hn::Zero(Floats())), g);
  }
};
struct Gelu {
  static HWY_INLINE FloatVector forward(FloatVector x) { return hn::Mul(x, normal(x).integral); }
  static HWY_INLINE FloatVector backward(FloatVector x, FloatVector g) {
    const Normal n = normal(x);
    return hn::Mul(g, hn::MulAdd(x, n.density, n.integral));
  }
};
struct Silu {
  static HWY_INLINE FloatVector forward(FloatVector x) { return hn::Mul(x, sigmoid(x)); }
  static HWY_INLINE FloatVector backward(FloatVector x, FloatVector g) {
    const FloatVector s = sigmoid(x);
    const FloatVector one = constant(1.0f);
    return hn::Mul(g, hn::Mul(s, hn::MulAdd(x, hn::Sub(one, s), one)));
  }
};
// x (1 + tanh u) / 2 with u = sqrt(2/π) (x + 0.044715 x³) (Hendrycks & Gimpel 2016), which is x sigmoid(2u).
struct GeluTanh {
  static HWY_INLINE FloatVector inner(FloatVector square) {  // 2u/x
    return hn::MulAdd(square, constant(0.0713548163f), constant(1.59576912f));
  }
  static HWY_INLINE FloatVector forward(FloatVector x) { return hn::Mul(x, sigmoid(hn::Mul(x, inner(hn::Mul(x, x))))); }
  static HWY_INLINE FloatVector backward(FloatVector x, FloatVector g) {
    const FloatVector square = hn::Mul(x, x), one = constant(1.0f);
    const FloatVector s = sigmoid(hn::Mul(x, inner(square)));
    // x times the derivative of 2u. From where s is 0 or 1 on it does not matter, if only it is finite.
    const FloatVector bounded = hn::Min(hn::Abs(x), constant(32.0f)), square_of = hn::Mul(bounded, bounded);
    const FloatVector slope =
        hn::Mul(hn::CopySign(bounded, x), hn::MulAdd(square_of, constant(0.214064449f), constant(1.59576912f)));
    return hn::Mul(g, hn::Mul(s, hn::MulAdd(hn::Sub(one, s), slope, one)));
  }
};

void add_bias(int64_t rows, int64_t columns, const float* bias, float* x) {
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    for_vectors(columns, [&](auto access, int64_t i) PODIUM_INLINE {
      access.store(hn::Add(access.load(x + i), access.load(bias + i)), x + i);
    });
  }
}

template <typename Function>
void bias_activation_rows(int64_t rows, int64_t columns, const float* bias, float* x, float* y) {
  for (int64_t row = 0; row < rows; ++row, x += columns, y += columns) {
    for_vectors(columns, [&](auto access, int64_t i) PODIUM_INLINE {
      const FloatVector sum = hn::Add(access.load(x + i), access.load(bias + i));
      access.store(sum, x + i);
      access.store(Function::forward(sum), y + i);
    });
  }
}

template <typename Function>
void gradient_elements(int64_t count, const float* x, const float* y_gradient, float* x_gradient) {
  for_vectors(count, [&](auto access, int64_t i) PODIUM_INLINE {
    access.store(Function::backward(access.load(x + i), access.load(y_gradient + i)), x_gradient + i);
  });
}

void bias_activation(Activation activation, int64_t rows, int64_t columns, const float* bias, float* x, float* y) {
  switch (activation) {
    case Activation::kRelu:
      return bias_activation_rows<Relu>(rows, columns, bias, x, y);
    case Activation::kGelu:
      return bias_activation_rows<Gelu>(rows, columns, bias, x, y);
    case Activation::kSilu:
      return bias_activation_rows<Silu>(rows, columns, bias, x, y);
    case Activation::kGeluTanh:
      return bias_activation_rows<GeluTanh>(rows, columns, bias, x, y);
  }
}

void activation_gradient(Activation activation, int64_t count, const float* x, const float* y_gradient,
                         float* x_gradient) {
  switch (activation) {
    case Activation::kRelu:
      return gradient_elements<Relu>(count, x, y_gradient, x_gradient);
    case Activation::kGelu:
      return gradient_elements<Gelu>(count, x, y_gradient, x_gradient);
    case Activation::kSilu:
      return gradient_elements<Silu>(count, x, y_gradient, x_gradient);
    case Activation::kGeluTanh:
      return gradient_elements<GeluTanh>(count, x, y_gradient, x_gradient);
  }
}

// sums (columns) = sums over x's rows in order, four vectors of columns at a time.
void sum_rows(int64_t rows, int64_t row_stride, int64_t columns, const float* x, float* sums) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  int64_t begin = 0;
  for (; begin + 4 * lanes <= columns; begin += 4 * lanes) {
    FloatVector s0 = hn::Zero(Floats()), s1 = s0, s2 = s0, s3 = s0;
    const float* from = x + begin;
    for (int64_t row = 0; row < rows; ++row, from += row_stride) {
      s0 = hn::Add(s0, hn::LoadU(Floats(), from));
      s1 = hn::Add(s1, hn::LoadU(Floats(), from + lanes));
      s2 = hn::Add(s2, hn::LoadU(Floats(), from + 2 * lanes));
      s3 = hn::Add(s3, hn::LoadU(Floats(), from + 3 * lanes));
    }
    hn::StoreU(s0, Floats(), sums + begin);
    hn::StoreU(s1, Floats(), sums + begin + lanes);
    hn::StoreU(s2, Floats(), sums + begin + 2 * lanes);
    hn::StoreU(s3, Floats(), sums + begin + 3 * lanes);
  }
  for_vectors(columns - begin, [&](auto access, int64_t i) PODIUM_INLINE {
    FloatVector sum = hn::Zero(Floats());
    for (int64_t row = 0; row < rows; ++row) sum = hn::Add(sum, access.load(x + row * row_stride + begin + i));
    access.store(sum, sums + begin + i);
  });
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace podium {
HWY_EXPORT(add_bias);
HWY_EXPORT(bias_activation);
HWY_EXPORT(activation_gradient);
HWY_EXPORT(sum_rows);

void bias_add(Executor& executor, const Tensor& bias, const Tensor& x) {
  const int64_t columns = x.columns();
  PODIUM_CHECK(bias.size() == columns, "{} and {}", bias.shape.text(), x.shape.text());
  const auto add = HWY_DYNAMIC_DISPATCH(add_bias);
  for_pieces(executor, x.rows(), kRowsPerPiece,
             [&](int64_t row, int64_t rows) { add(rows, columns, bias.f32(), x.f32() + row * columns); });
}

void bias_backward(Executor& executor, const Tensor& y_gradient, const Tensor& bias_gradient) {
  const int64_t columns = y_gradient.columns();
  PODIUM_CHECK(bias_gradient.size() == columns, "{} and {}", bias_gradient.shape.text(), y_gradient.shape.text());
  const auto sum = HWY_DYNAMIC_DISPATCH(sum_rows);
  for_pieces(executor, columns, kColumnsPerPiece, [&](int64_t column, int64_t count) {
    sum(y_gradient.rows(), columns, count, y_gradient.f32() + column, bias_gradient.f32() + column);
  });
}

void bias_activation_forward(Executor& executor, Activation activation, const Tensor& bias, const Tensor& x,
                             const Tensor& y) {
  const int64_t columns = x.columns();
  PODIUM_CHECK(bias.size() == columns && x.size() == y.size(), "{}, {} and {}", bias.shape.text(), x.shape.text(),
               y.shape.text());
  const auto forward = HWY_DYNAMIC_DISPATCH(bias_activation);
  for_pieces(executor, x.rows(), kRowsPerPiece, [&](int64_t row, int64_t rows) {
    forward(activation, rows, columns, bias.f32(), x.f32() + row * columns, y.f32() + row * columns);
  });
}

void activation_backward(Executor& executor, Activation activation, const Tensor& x, const Tensor& y_gradient,
                         const Tensor& x_gradient) {
  PODIUM_CHECK(x.size() == y_gradient.size() && x.size() == x_gradient.size(), "{}, {} and {}", x.shape.text(),
               y_gradient.shape.text(), x_gradient.shape.text());
  const auto gradient = HWY_DYNAMIC_DISPATCH(activation_gradient);
  for_pieces(executor, x.size(), kElementsPerPiece, [&](int64_t begin, int64_t count) {
    gradient(activation, count, x.f32() + begin, y_gradient.f32() + begin, x_gradient.f32() + begin);
  });
}

}  // namespace podium
#endif
