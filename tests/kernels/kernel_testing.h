// What the kernels' tests share: values, comparisons, thread counts and instruction sets.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "worker/kernels/executor.h"
#include "worker/tensor/tensor.h"

namespace podium {

inline std::vector<float> normal_values(int64_t count, uint32_t seed, float deviation = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// |actual - expected| <= absolute + relative · |expected| for every element.
inline void expect_close(const std::vector<float>& actual, const std::vector<double>& expected, double absolute,
                         double relative, const char* what = "") {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_LE(std::abs(actual[i] - expected[i]), absolute + relative * std::abs(expected[i]))
        << what << " [" << i << "]: " << actual[i] << ", expected " << expected[i];
  }
}

// The derivatives of loss() with respect to each of `values`, by central differences in double.
inline std::vector<double> finite_differences(std::vector<double>& values, const std::function<double()>& loss) {
  std::vector<double> result;
  for (double& value : values) {
    const double kept = value, step = 1e-5;
    value = kept + step;
    const double above = loss();
    value = kept - step;
    const double below = loss();
    value = kept;
    result.push_back((above - below) / (2 * step));
  }
  return result;
}

inline std::vector<double> doubles(const std::vector<float>& values) { return {values.begin(), values.end()}; }

inline Tensor tensor_of(const std::vector<float>& values, Shape shape) {
  EXPECT_EQ(static_cast<int64_t>(values.size()), shape.size());
  return Tensor(const_cast<float*>(values.data()), shape);
}

// The instruction sets that this machine has and the kernels are compiled for, best first.
inline std::vector<int64_t> instruction_sets() {
  std::vector<int64_t> sets;
#if HWY_ARCH_X86
  for (int64_t set : {HWY_AVX3, HWY_AVX2}) {
    if (hwy::SupportedTargets() & set) sets.push_back(set);
  }
#endif
  if (sets.empty()) sets.push_back(0);
  return sets;
}

// While it lives, kernels use one instruction set.
class ForcedInstructionSet {
 public:
  explicit ForcedInstructionSet(int64_t set) { choose(set); }
  ~ForcedInstructionSet() { choose(0); }

 private:
  static void choose(int64_t set) {
    hwy::SetSupportedTargetsForTest(set);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

// Runs `test(executor)` with one thread on every instruction set, and with two and three threads on the best.
template <typename Test>
void for_each_machine(Test&& test) {
  for (int64_t set : instruction_sets()) {
    SCOPED_TRACE(set == 0 ? "default" : hwy::TargetName(set));
    ForcedInstructionSet forced(set);
    ThreadPool pool(1);
    Executor executor{pool};
    test(executor);
  }
  for (int threads : {2, 3}) {
    SCOPED_TRACE(threads);
    ThreadPool pool(threads);
    Executor executor{pool};
    test(executor);
  }
}

// `run(executor)` gives the same vector of numbers with 1, 2 and 3 threads, on each instruction set.
template <typename Run>
void expect_same_bits_for_any_threads(Run&& run) {
  for (int64_t set : instruction_sets()) {
    SCOPED_TRACE(set == 0 ? "default" : hwy::TargetName(set));
    ForcedInstructionSet forced(set);
    ThreadPool one(1), two(2), three(3);
    Executor alone{one};
    const auto expected = run(alone);
    for (ThreadPool* pool : {&two, &three}) {
      Executor executor{*pool};
      EXPECT_TRUE(same_bits(run(executor), expected)) << pool->size() << " threads";
    }
  }
}

// `run(executor)` gives the same vector of numbers on every instruction set that this machine has.
template <typename Run>
void expect_same_bits_on_every_instruction_set(Run&& run) {
  const std::vector<int64_t> sets = instruction_sets();
  if (sets.size() < 2) GTEST_SKIP() << "this machine has one instruction set only: nothing to compare";
  ThreadPool pool(1);
  Executor executor{pool};
  decltype(run(executor)) first;
  for (size_t i = 0; i < sets.size(); ++i) {
    ForcedInstructionSet forced(sets[i]);
    auto result = run(executor);
    if (i == 0)
      first = std::move(result);
    else
      EXPECT_TRUE(same_bits(result, first)) << hwy::TargetName(sets[i]) << " differs from " << hwy::TargetName(sets[0]);
  }
}

}  // namespace podium
