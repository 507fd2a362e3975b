// Bias and activations against plain double, their gradients against finite differences.
#include "worker/kernels/linear_epilogue.h"

#include <gtest/gtest.h>

#include <limits>
#include <numbers>

#include "tests/kernels/kernel_testing.h"

namespace podium {
namespace {

constexpr Activation kActivations[] = {Activation::kRelu, Activation::kGelu, Activation::kSilu, Activation::kGeluTanh};
constexpr int64_t kColumns[] = {1, 3, 17, 64, 127, 129, 1000};

double reference(Activation activation, double x) {
  switch (activation) {
    case Activation::kRelu:
      return x > 0 ? x : 0;
    case Activation::kGelu:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
  }
  return 0;
}

double slope(Activation activation, double x) {
  const double step = 1e-5;
  return (reference(activation, x + step) - reference(activation, x - step)) / (2 * step);
}

// -12 to 12, never 0, where relu has no derivative.
std::vector<float> sweep() {
  std::vector<float> x;
  for (int i = -12000; i < 12000; ++i) x.push_back((static_cast<float>(i) + 0.5f) * 1e-3f);
  return x;
}

TEST(BiasAdd, AddsTheBiasToEveryRow) {
  for_each_machine([](Executor& executor) {
    for (int64_t columns : kColumns) {
      const int64_t rows = 70;
      std::vector<float> x = normal_values(rows * columns, 1), expected = x;
      const std::vector<float> bias = normal_values(columns, 2);
      for (size_t i = 0; i < x.size(); ++i) expected[i] += bias[i % bias.size()];
      bias_add(executor, tensor_of(bias, {columns}), tensor_of(x, {rows, columns}));
      EXPECT_TRUE(same_bits(x, expected)) << columns;
    }
  });
}

// The gradient of the sum over rows is the sum of the gradients: nothing to differentiate but the addition itself.
TEST(BiasBackward, SumsRowsInOrder) {
  for_each_machine([](Executor& executor) {
    for (int64_t columns : kColumns) {
      for (int64_t rows : {1, 3, 127}) {
        const std::vector<float> gradient = normal_values(rows * columns, 3);
        std::vector<float> expected(static_cast<size_t>(columns)), actual(expected.size(), 9.0f);
        for (size_t i = 0; i < gradient.size(); ++i) expected[i % expected.size()] += gradient[i];
        bias_backward(executor, tensor_of(gradient, {rows, columns}), tensor_of(actual, {columns}));
        EXPECT_TRUE(same_bits(actual, expected)) << rows << "," << columns;
      }
    }
  });
}

TEST(Activation, ForwardMatchesDoubleOnAFineSweep) {
  for_each_machine([](Executor& executor) {
    for (Activation activation : kActivations) {
      const std::vector<float> x = sweep();
      std::vector<float> sums = x, y(x.size());
      const std::vector<float> bias(100, 0.0f);
      const Shape shape{static_cast<int64_t>(x.size()) / 100, 100};
      bias_activation_forward(executor, activation, tensor_of(bias, {100}), tensor_of(sums, shape),
                              tensor_of(y, shape));
      std::vector<double> expected;
      for (float value : x) expected.push_back(reference(activation, value));
      expect_close(y, expected, 1e-7, 1e-6);
    }
  });
}

TEST(Activation, BackwardMatchesFiniteDifferencesOnAFineSweep) {
  for_each_machine([](Executor& executor) {
    for (Activation activation : kActivations) {
      const std::vector<float> x = sweep(), gradient = normal_values(static_cast<int64_t>(x.size()), 4);
      const Shape shape{static_cast<int64_t>(x.size())};
      std::vector<float> actual(x.size()), in_place = gradient;
      activation_backward(executor, activation, tensor_of(x, shape), tensor_of(gradient, shape),
                          tensor_of(actual, shape));
      activation_backward(executor, activation, tensor_of(x, shape), tensor_of(in_place, shape),
                          tensor_of(in_place, shape));
      std::vector<double> expected;
      for (size_t i = 0; i < x.size(); ++i) expected.push_back(gradient[i] * slope(activation, x[i]));
      expect_close(actual, expected, 1e-6, 2e-6);
      EXPECT_TRUE(same_bits(in_place, actual));
    }
  });
}

TEST(Activation, AddsTheBiasFirstAndKeepsTheSum) {
  for_each_machine([](Executor& executor) {
    for (Activation activation : kActivations) {
      for (int64_t columns : kColumns) {
        const int64_t rows = 35;
        const std::vector<float> x = normal_values(rows * columns, 5), bias = normal_values(columns, 6);
        std::vector<float> sums = x, y(x.size()), expected_sums = x, in_place = x;
        std::vector<double> expected(x.size());
        for (size_t i = 0; i < x.size(); ++i) {
          expected_sums[i] += bias[i % bias.size()];
          expected[i] = reference(activation, expected_sums[i]);
        }
        const Shape shape{rows, columns};
        const Tensor bias_tensor = tensor_of(bias, {columns});
        bias_activation_forward(executor, activation, bias_tensor, tensor_of(sums, shape), tensor_of(y, shape));
        EXPECT_TRUE(same_bits(sums, expected_sums)) << columns;
        expect_close(y, expected, 1e-7, 1e-6);
        bias_activation_forward(executor, activation, bias_tensor, tensor_of(in_place, shape),
                                tensor_of(in_place, shape));
        EXPECT_TRUE(same_bits(in_place, y)) << columns;
      }
    }
  });
}

TEST(Activation, KeepsNaNAndTheLimitsAtInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  for_each_machine([&](Executor& executor) {
    for (Activation activation : kActivations) {
      const std::vector<float> x = {std::numeric_limits<float>::quiet_NaN(), infinity, 1e30f, -1e30f}, ones(4, 1.0f);
      std::vector<float> sums = x, y(4), gradient(4);
      const std::vector<float> zeros(4, 0.0f);
      bias_activation_forward(executor, activation, tensor_of(zeros, {4}), tensor_of(sums, {1, 4}),
                              tensor_of(y, {1, 4}));
      activation_backward(executor, activation, tensor_of(x, {4}), tensor_of(ones, {4}), tensor_of(gradient, {4}));
      EXPECT_TRUE(std::isnan(y[0]));
      EXPECT_EQ(y[1], infinity);
      EXPECT_EQ(y[2], 1e30f);
      EXPECT_EQ(y[3], 0.0f);
      EXPECT_EQ(gradient[2], 1.0f);
      EXPECT_EQ(gradient[3], 0.0f);
    }
  });
}

TEST(Activation, HasTheSameBitsForAnyCutThreadsAndInstructionSet) {
  const int64_t size = 40009;
  const std::vector<float> x = normal_values(size, 7, 3), gradient = normal_values(size, 8), bias = normal_values(7, 9);
  for (Activation activation : kActivations) {
    const auto backward = [&](Executor& executor, int64_t cut) {
      std::vector<float> result(x.size());
      for (int64_t begin = 0; begin < size; begin += cut) {
        const Shape shape{std::min(cut, size - begin)};
        activation_backward(executor, activation, Tensor(const_cast<float*>(x.data()) + begin, shape),
                            Tensor(const_cast<float*>(gradient.data()) + begin, shape),
                            Tensor(result.data() + begin, shape));
      }
      return result;
    };
    const auto forward = [&](Executor& executor) {
      std::vector<float> sums = x, y(x.size());
      const Shape shape{size / 7, 7};
      sums.resize(static_cast<size_t>(shape.size()));
      y.resize(sums.size());
      bias_activation_forward(executor, activation, tensor_of(bias, {7}), tensor_of(sums, shape), tensor_of(y, shape));
      return y;
    };
    ThreadPool pool(1);
    Executor alone{pool};
    const std::vector<float> whole = backward(alone, size);
    for (int64_t cut : {7, 128, 1001}) EXPECT_TRUE(same_bits(backward(alone, cut), whole)) << cut;
    const auto run = [&](Executor& executor) { return backward(executor, size); };
    expect_same_bits_for_any_threads(run);
    expect_same_bits_for_any_threads(forward);
    expect_same_bits_on_every_instruction_set(run);
    expect_same_bits_on_every_instruction_set(forward);
  }
}

}  // namespace
}  // namespace podium
