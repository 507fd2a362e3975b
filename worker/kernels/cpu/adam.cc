// Adam in one pass: 16 bytes read and 12 written a parameter.
#include "worker/kernels/adam.h"

#include "worker/kernels/cpu/pieces.h"
#include "worker/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/kernels/cpu/adam.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "worker/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {

// The factor, rounded once from float64, in every lane.
HWY_INLINE FloatVector factor(double value) { return hn::Set(Floats(), static_cast<float>(value)); }

void adam_elements(const AdamStep& step, int64_t begin, int64_t count, const float* gradient, const AdamBuffers& from,
                   const AdamBuffers& to) {
  const double learning_rate = step.learning_rate;
  const FloatVector gradient_scale = factor(step.gradient_scale);
  const FloatVector beta1 = factor(step.beta1), one_minus_beta1 = factor(1.0 - step.beta1);
  const FloatVector beta2 = factor(step.beta2), one_minus_beta2 = factor(1.0 - step.beta2);
  const FloatVector decay = factor(1.0 - learning_rate * step.weight_decay);
  const FloatVector step_size = factor(learning_rate / step.bias_correction1);
  const FloatVector inverse_correction2 = factor(1.0 / step.bias_correction2);
  const FloatVector epsilon = factor(step.epsilon);
  gradient += begin;
  const float* from_weights = from.weights.data() + begin;
  const float* from_first = from.first_moment.data() + begin;
  const float* from_second = from.second_moment.data() + begin;
  float* to_weights = to.weights.data() + begin;
  float* to_first = to.first_moment.data() + begin;
  float* to_second = to.second_moment.data() + begin;
  for_vectors(count, [&](auto access, int64_t i) PODIUM_INLINE {
    const FloatVector g = hn::Mul(gradient_scale, access.load(gradient + i));
    const FloatVector first = hn::MulAdd(beta1, access.load(from_first + i), hn::Mul(one_minus_beta1, g));
    const FloatVector second = hn::MulAdd(beta2, access.load(from_second + i), hn::Mul(one_minus_beta2, hn::Mul(g, g)));
    const FloatVector root = hn::Sqrt(hn::Mul(second, inverse_correction2));
    const FloatVector update = hn::Div(hn::Mul(step_size, first), hn::Add(root, epsilon));
    access.store(hn::MulSub(decay, access.load(from_weights + i), update), to_weights + i);
    access.store(first, to_first + i);
    access.store(second, to_second + i);
  });
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace podium {
HWY_EXPORT(adam_elements);

void adam_update(Executor& executor, const AdamStep& step, std::span<const float> gradient, const AdamBuffers& from,
                 const AdamBuffers& to) {
  for (const AdamBuffers* buffers : {&from, &to}) {
    PODIUM_CHECK(buffers->weights.size() == gradient.size() && buffers->first_moment.size() == gradient.size() &&
                     buffers->second_moment.size() == gradient.size(),
                 "{}, {}, {} and {} elements", gradient.size(), buffers->weights.size(), buffers->first_moment.size(),
                 buffers->second_moment.size());
  }
  const auto update = HWY_DYNAMIC_DISPATCH(adam_elements);
  for_pieces(executor, static_cast<int64_t>(gradient.size()), kElementsPerPiece,
             [&](int64_t begin, int64_t count) { update(step, begin, count, gradient.data(), from, to); });
}

}  // namespace podium
#endif
