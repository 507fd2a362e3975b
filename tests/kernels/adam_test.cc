// Adam against the same formulas in double over several steps, and its promise of equal bits.
#include "worker/kernels/adam.h"

#include <gtest/gtest.h>

#include "tests/kernels/kernel_testing.h"

namespace podium {
namespace {

struct State {
  std::vector<float> weights, first, second, average;
  explicit State(int64_t size, bool averages = false)
      : weights(normal_values(size, 1)),
        first(weights.size()),
        second(weights.size()),
        average(averages ? weights : std::vector<float>()) {}
  AdamBuffers buffers() { return {weights, first, second, average}; }
};

std::vector<AdamSegment> whole(int64_t size, double weight_decay) { return {{0, size, 1, weight_decay}}; }

// Three kinds of update side by side, the frozen one in the middle.
std::vector<AdamSegment> groups_of(int64_t size) {
  return {{0, size / 5, 0.5, 0.1}, {size / 5, size / 2, 1, 0.1, true}, {size / 2, size, 2, 0}};
}

AdamStep step_of(int t) {
  AdamStep step;
  step.learning_rate = 0.01f;
  step.beta2 = 0.98f;
  step.epsilon = 0.01f;
  step.average_decay = 0.75;
  step.bias_correction1 = static_cast<float>(1 - std::pow(0.9, t));
  step.bias_correction2 = static_cast<float>(1 - std::pow(0.98, t));
  step.gradient_scale = 0.5f;
  return step;
}

std::vector<float> gradient_of(int64_t size, int t) { return normal_values(size, 100 + static_cast<uint32_t>(t)); }

TEST(Adam, MatchesTheFormulasInDoubleOverSeveralSteps) {
  for_each_machine([](Executor& executor) {
    for (float weight_decay : {0.0f, 0.1f}) {
      for (int64_t size : {1, 3, 17, 127, 129, 1000}) {
        State state(size);
        std::vector<double> w = doubles(state.weights), m(w.size()), v(w.size());
        for (int t = 1; t <= 5; ++t) {
          const std::vector<float> gradient = gradient_of(size, t);
          adam_update(executor, step_of(t), whole(size, weight_decay), gradient, state.buffers(), state.buffers());
          for (size_t i = 0; i < w.size(); ++i) {
            const double g = 0.5 * gradient[i];
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.98 * v[i] + 0.02 * g * g;
            w[i] -= 0.01 * weight_decay * w[i];
            w[i] -= 0.01 * (m[i] / (1 - std::pow(0.9, t))) / (std::sqrt(v[i] / (1 - std::pow(0.98, t))) + 0.01);
          }
        }
        // A weight's five updates of at most about 0.01 each are good to a few units of float32, the constants too.
        expect_close(state.weights, w, 1e-7, 5e-7, "weight");
        expect_close(state.first, m, 5e-7, 1e-6, "first moment");
        expect_close(state.second, v, 0, 3e-6, "second moment");
      }
    }
  });
}

TEST(Adam, UpdatesEverySegmentInItsOwnWayAndAverages) {
  for_each_machine([](Executor& executor) {
    for (int64_t size : {10, 333, 100'000}) {
      State state(size, true);
      const std::vector<float> before = state.weights;
      std::vector<double> average = doubles(before);
      for (int t = 1; t <= 3; ++t) {
        const std::vector<float> gradient = gradient_of(size, t);
        adam_update(executor, step_of(t), groups_of(size), gradient, state.buffers(), state.buffers());
        for (size_t i = 0; i < average.size(); ++i) average[i] += 0.25 * (state.weights[i] - average[i]);
      }
      for (const AdamSegment& segment : groups_of(size)) {
        State alone(size);
        AdamStep step;
        for (int t = 1; t <= 3; ++t) {
          step = step_of(t);
          step.learning_rate *= segment.learning_rate_factor;
          adam_update(executor, step, whole(size, segment.weight_decay), gradient_of(size, t), alone.buffers(),
                      alone.buffers());
        }
        for (size_t i = static_cast<size_t>(segment.begin); i < static_cast<size_t>(segment.end); ++i) {
          ASSERT_EQ(state.weights[i], segment.frozen ? before[i] : alone.weights[i]) << i;
          ASSERT_EQ(state.second[i], segment.frozen ? 0 : alone.second[i]) << i;
        }
      }
      expect_close(state.average, average, 1e-7, 5e-7, "average");
    }
  });
}

std::vector<float> after_two_steps(Executor& executor, int64_t size, int64_t cut) {
  State state(size, true);
  for (int t = 1; t <= 2; ++t) {
    const std::vector<float> gradient = gradient_of(size, t);
    for (int64_t begin = 0; begin < size; begin += cut) {
      const size_t at = static_cast<size_t>(begin), count = static_cast<size_t>(std::min(cut, size - begin));
      const AdamBuffers all = state.buffers();
      const AdamBuffers part{all.weights.subspan(at, count), all.first_moment.subspan(at, count),
                             all.second_moment.subspan(at, count), all.average.subspan(at, count)};
      std::vector<AdamSegment> segments;
      for (AdamSegment segment : groups_of(size)) {
        segment.begin = std::clamp(segment.begin - begin, int64_t{0}, static_cast<int64_t>(count));
        segment.end = std::clamp(segment.end - begin, int64_t{0}, static_cast<int64_t>(count));
        segments.push_back(segment);
      }
      adam_update(executor, step_of(t), segments, std::span(gradient).subspan(at, count), part, part);
    }
  }
  std::vector<float> result = state.weights;
  result.insert(result.end(), state.first.begin(), state.first.end());
  result.insert(result.end(), state.second.begin(), state.second.end());
  result.insert(result.end(), state.average.begin(), state.average.end());
  return result;
}

TEST(Adam, HasTheSameBitsForAnyCutThreadsAndInstructionSet) {
  constexpr int64_t kSize = 40007;
  ThreadPool pool(1);
  Executor alone{pool};
  const std::vector<float> whole = after_two_steps(alone, kSize, kSize);
  for (int64_t cut : {101, 128, 1000, 13337}) EXPECT_TRUE(same_bits(after_two_steps(alone, kSize, cut), whole)) << cut;
  const auto run = [&](Executor& executor) { return after_two_steps(executor, kSize, kSize); };
  expect_same_bits_for_any_threads(run);
  expect_same_bits_on_every_instruction_set(run);
}

TEST(Adam, LeavesTheOldStateAloneWhenItWritesToAnother) {
  ThreadPool pool(1);
  Executor executor{pool};
  State from(1000, true), in_place(1000, true), to(1000, true);
  std::fill(to.weights.begin(), to.weights.end(), 7.0f);
  to.first = to.second = to.average = to.weights;
  const std::vector<float> before = from.weights, gradient = gradient_of(1000, 1);
  adam_update(executor, step_of(1), groups_of(1000), gradient, from.buffers(), to.buffers());
  adam_update(executor, step_of(1), groups_of(1000), gradient, in_place.buffers(), in_place.buffers());
  EXPECT_EQ(from.weights, before);
  EXPECT_EQ(from.average, before);
  EXPECT_EQ(from.first, std::vector<float>(1000));
  EXPECT_TRUE(same_bits(to.weights, in_place.weights) && same_bits(to.second, in_place.second));
  EXPECT_TRUE(same_bits(to.first, in_place.first) && same_bits(to.average, in_place.average));
}

}  // namespace
}  // namespace podium
