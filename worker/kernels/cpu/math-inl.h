// Functions that the standard library has for single numbers only; the same bits on every instruction set. Compiled
// once per instruction set.
#if defined(PODIUM_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef PODIUM_MATH_INL_H
#undef PODIUM_MATH_INL_H
#else
#define PODIUM_MATH_INL_H
#endif

#include "hwy/highway.h"
#include "worker/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE FloatVector constant(float value) { return hn::Set(Floats(), value); }

// e^x for x <= 88, to about one unit in the last place; 0 below -87 (no subnormal numbers); NaN stays NaN.
HWY_INLINE FloatVector exponential(FloatVector x) {
  // x = k ln 2 + r. Adding 1.5 · 2^23 rounds to a whole number and leaves k in the lowest bits.
  const FloatVector shift = constant(12582912.0f);
  const FloatVector shifted = hn::MulAdd(x, constant(1.44269504f), shift);
  const FloatVector k = hn::Sub(shifted, shift);
  FloatVector r = hn::NegMulAdd(k, constant(0.693147182f), x);
  r = hn::NegMulAdd(k, constant(-1.90465421e-9f), r);
  // e^r = 1 + r + r² q(r), |r| <= ln 2 / 2; q interpolates at Chebyshev's points, relative error 1e-8.
  FloatVector q = hn::MulAdd(constant(1.39261840e-3f), r, constant(8.36317893e-3f));
  q = hn::MulAdd(q, r, constant(4.16665561e-2f));
  q = hn::MulAdd(q, r, constant(1.66665763e-1f));
  q = hn::MulAdd(q, r, constant(0.5f));
  const FloatVector power = hn::MulAdd(hn::Mul(r, r), q, hn::Add(r, constant(1.0f)));
  const hn::RebindToSigned<Floats> integers;
  const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::BitCast(integers, shifted), hn::Set(integers, 127)));
  const FloatVector result = hn::Mul(power, hn::BitCast(Floats(), exponent));
  return hn::IfThenZeroElse(hn::Lt(x, constant(-87.0f)), result);
}

// The normal distribution's integral Φ(x) = (1 + erf(x/√2)) / 2 and density φ(x). Φ(-x) = e^(-x²/2) t P(t) for x >= 0
// with t = 1 / (1 + 0.24 x), the form of Abramowitz & Stegun 7.1.26; P interpolates at Chebyshev's points of x <= 14
// with a relative error below 4e-7.
struct Normal {
  FloatVector integral, density;
};
HWY_INLINE Normal normal(FloatVector x) {
  const FloatVector bell = exponential(hn::Mul(hn::Mul(x, x), constant(-0.5f)));
  const FloatVector magnitude = hn::Abs(x);
  const FloatVector t = hn::Div(constant(1.0f), hn::MulAdd(magnitude, constant(0.24f), constant(1.0f)));
  FloatVector tail = hn::MulAdd(constant(-0.0526216552f), t, constant(0.15061453f));
  tail = hn::MulAdd(tail, t, constant(-0.0607722364f));
  tail = hn::MulAdd(tail, t, constant(0.112690121f));
  tail = hn::MulAdd(tail, t, constant(0.0670715794f));
  tail = hn::MulAdd(tail, t, constant(0.0915111005f));
  tail = hn::MulAdd(tail, t, constant(0.0957714468f));
  tail = hn::MulAdd(tail, t, constant(0.0957350209f));
  tail = hn::Mul(hn::Mul(tail, t), bell);  // Φ(-|x|)
  const FloatVector integral = hn::IfThenElse(hn::Lt(x, hn::Zero(Floats())), tail, hn::Sub(constant(1.0f), tail));
  return {integral, hn::Mul(bell, constant(0.398942280f))};
}

// 1 / (1 + e^-x), without overflow.
HWY_INLINE FloatVector sigmoid(FloatVector x) {
  const FloatVector small = exponential(hn::Neg(hn::Abs(x)));
  const FloatVector above = hn::IfThenElse(hn::Lt(x, hn::Zero(Floats())), small, constant(1.0f));
  return hn::Div(above, hn::Add(constant(1.0f), small));
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
