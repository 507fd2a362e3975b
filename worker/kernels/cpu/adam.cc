// Adam in one pass: 16 bytes read and 12 written a parameter; 4 and 4 more with an average.
#include "worker/kernels/adam.h"

#include <algorithm>

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

// The numbers [segment.begin, segment.end), which are of one segment.
template <bool kAverages>
void update_segment(const AdamStep& step, const AdamSegment& segment, const float* gradient, const AdamBuffers& from,
                    const AdamBuffers& to) {
  const int64_t begin = segment.begin;
  const double learning_rate = step.learning_rate * segment.learning_rate_factor;
  const FloatVector gradient_scale = factor(step.gradient_scale);
  const FloatVector beta1 = factor(step.beta1), one_minus_beta1 = factor(1.0 - step.beta1);
  const FloatVector beta2 = factor(step.beta2), one_minus_beta2 = factor(1.0 - step.beta2);
  const FloatVector decay = factor(1.0 - learning_rate * segment.weight_decay);
  const FloatVector step_size = factor(learning_rate / step.bias_correction1);
  const FloatVector inverse_correction2 = factor(1.0 / step.bias_correction2);
  const FloatVector epsilon = factor(step.epsilon);
  const FloatVector one_minus_average_decay = factor(1.0 - step.average_decay);
  gradient += begin;
  const float* from_weights = from.weights.data() + begin;
  const float* from_first = from.first_moment.data() + begin;
  const float* from_second = from.second_moment.data() + begin;
  float* to_weights = to.weights.data() + begin;
  float* to_first = to.first_moment.data() + begin;
  float* to_second = to.second_moment.data() + begin;
  const float* from_average = kAverages ? from.average.data() + begin : nullptr;
  float* to_average = kAverages ? to.average.data() + begin : nullptr;
  for_vectors(segment.end - begin, [&](auto access, int64_t i) PODIUM_INLINE {
    const FloatVector g = hn::Mul(gradient_scale, access.load(gradient + i));
    const FloatVector first = hn::MulAdd(beta1, access.load(from_first + i), hn::Mul(one_minus_beta1, g));
    const FloatVector second = hn::MulAdd(beta2, access.load(from_second + i), hn::Mul(one_minus_beta2, hn::Mul(g, g)));
    const FloatVector root = hn::Sqrt(hn::Mul(second, inverse_correction2));
    const FloatVector update = hn::Div(hn::Mul(step_size, first), hn::Add(root, epsilon));
    const FloatVector weights = hn::MulSub(decay, access.load(from_weights + i), update);
    access.store(weights, to_weights + i);
    access.store(first, to_first + i);
    access.store(second, to_second + i);
    if constexpr (kAverages) {
      const FloatVector average = access.load(from_average + i);
      access.store(hn::MulAdd(one_minus_average_decay, hn::Sub(weights, average), average), to_average + i);
    }
  });
}

void adam_segment(const AdamStep& step, const AdamSegment& segment, const float* gradient, const AdamBuffers& from,
                  const AdamBuffers& to) {
  if (to.average.empty())
    update_segment<false>(step, segment, gradient, from, to);
  else
    update_segment<true>(step, segment, gradient, from, to);
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace podium {
namespace {

void copy_segment(const AdamSegment& segment, const AdamBuffers& from, const AdamBuffers& to) {
  auto copy = [&](std::span<const float> source, std::span<float> target) {
    if (source.data() == target.data()) return;
    std::copy(source.begin() + segment.begin, source.begin() + segment.end, target.begin() + segment.begin);
  };
  copy(from.weights, to.weights);
  copy(from.first_moment, to.first_moment);
  copy(from.second_moment, to.second_moment);
  if (!to.average.empty()) copy(from.average, to.average);
}

void check_sizes(std::span<const AdamSegment> segments, size_t size, const AdamBuffers& from, const AdamBuffers& to) {
  for (const AdamBuffers* buffers : {&from, &to}) {
    PODIUM_CHECK(buffers->weights.size() == size && buffers->first_moment.size() == size &&
                     buffers->second_moment.size() == size && buffers->average.size() == from.average.size() &&
                     (buffers->average.empty() || buffers->average.size() == size),
                 "{}, {}, {}, {} and {} elements", size, buffers->weights.size(), buffers->first_moment.size(),
                 buffers->second_moment.size(), buffers->average.size());
  }
  int64_t covered = 0;
  for (const AdamSegment& segment : segments) {
    PODIUM_CHECK(segment.begin == covered && segment.end >= covered, "a segment of {} to {} behind {}", segment.begin,
                 segment.end, covered);
    covered = segment.end;
  }
  PODIUM_CHECK(covered == static_cast<int64_t>(size), "segments of {} of {} elements", covered, size);
}

}  // namespace

HWY_EXPORT(adam_segment);

void adam_update(Executor& executor, const AdamStep& step, std::span<const AdamSegment> segments,
                 std::span<const float> gradient, const AdamBuffers& from, const AdamBuffers& to) {
  check_sizes(segments, gradient.size(), from, to);
  const auto update = HWY_DYNAMIC_DISPATCH(adam_segment);
  for_pieces(executor, static_cast<int64_t>(gradient.size()), kElementsPerPiece, [&](int64_t begin, int64_t count) {
    // The first segment that ends behind `begin`, and those that follow, as far as this piece goes.
    auto segment = std::upper_bound(segments.begin(), segments.end(), begin,
                                    [](int64_t at, const AdamSegment& other) { return at < other.end; });
    for (; segment != segments.end() && segment->begin < begin + count; ++segment) {
      AdamSegment part = *segment;
      part.begin = std::max(part.begin, begin);
      part.end = std::min(part.end, begin + count);
      if (part.frozen)
        copy_segment(part, from, to);
      else
        update(step, part, gradient.data(), from, to);
    }
  });
}

}  // namespace podium
#endif
