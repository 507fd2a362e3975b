// The fused layer normalisation against plain double and finite differences of it, with each of its optional parts.
#include "worker/kernels/layer_norm.h"

#include <gtest/gtest.h>

#include "tests/kernels/kernel_testing.h"

namespace podium {
namespace {

constexpr double kEpsilon = 1e-5;

// Inputs of one call, in double for the reference; mask is what dropout multiplies by.
struct Values {
  std::vector<double> x, bias, residual, gamma, beta;
  std::vector<float> mask;
};

struct Result {
  std::vector<double> sum, normalized, mean, rstd;
};

Result reference(const Values& v) {
  Result result;
  const size_t columns = v.gamma.size(), rows = v.residual.size() / columns;
  for (size_t row = 0; row < rows; ++row) {
    double mean = 0, variance = 0;
    for (size_t i = row * columns; i < (row + 1) * columns; ++i) {
      double sum = v.residual[i];
      if (!v.x.empty()) sum += v.mask[i] * (v.x[i] + (v.bias.empty() ? 0 : v.bias[i % columns]));
      result.sum.push_back(sum);
      mean += sum / static_cast<double>(columns);
    }
    for (size_t i = row * columns; i < (row + 1) * columns; ++i)
      variance += (result.sum[i] - mean) * (result.sum[i] - mean) / static_cast<double>(columns);
    const double rstd = 1 / std::sqrt(variance + kEpsilon);
    for (size_t i = row * columns; i < (row + 1) * columns; ++i)
      result.normalized.push_back((result.sum[i] - mean) * rstd * v.gamma[i % columns] + v.beta[i % columns]);
    result.mean.push_back(mean);
    result.rstd.push_back(rstd);
  }
  return result;
}

struct Case {
  int64_t rows, columns;
  Dropout dropout;
  std::vector<float> x, bias, residual, gamma, beta;
  std::vector<float> sum, normalized, mean, rstd;

  Case(int64_t rows, int64_t columns, float probability, bool with_x = true, bool with_bias = true)
      : rows(rows),
        columns(columns),
        dropout{probability, {5, 6, 7, 8}},
        x(with_x ? normal_values(rows * columns, 1) : std::vector<float>()),
        bias(with_bias ? normal_values(columns, 2) : std::vector<float>()),
        residual(normal_values(rows * columns, 3)),
        gamma(normal_values(columns, 4)),
        beta(normal_values(columns, 5)),
        sum(residual.size()),
        normalized(residual.size()),
        mean(static_cast<size_t>(rows)),
        rstd(mean.size()) {}

  Values values() const {
    std::vector<float> mask(residual.size());
    dropout_multipliers(dropout, 0, mask);
    return {doubles(x), doubles(bias), doubles(residual), doubles(gamma), doubles(beta), mask};
  }
  static Tensor optional(const std::vector<float>& v, Shape shape) {
    return v.empty() ? Tensor() : tensor_of(v, shape);
  }

  void forward(Executor& executor) {
    const Shape matrix{rows, columns}, row{columns};
    ResidualLayerNorm a;
    a.x = optional(x, matrix);
    a.bias = optional(bias, row);
    a.residual = tensor_of(residual, matrix);
    a.gamma = tensor_of(gamma, row);
    a.beta = tensor_of(beta, row);
    a.dropout = dropout;
    a.epsilon = static_cast<float>(kEpsilon);
    a.sum = tensor_of(sum, matrix);
    a.normalized = tensor_of(normalized, matrix);
    a.mean = tensor_of(mean, {rows});
    a.rstd = tensor_of(rstd, {rows});
    residual_layer_norm_forward(executor, a);
  }
};

struct Gradients {
  std::vector<float> sum, x, gamma, beta, bias;
  std::vector<float> all() const {
    std::vector<float> result;
    for (const auto* part : {&sum, &x, &gamma, &beta, &bias}) result.insert(result.end(), part->begin(), part->end());
    return result;
  }
};

// After c.forward(). `stream` (empty: none) is what the sum's gradient is added to.
Gradients backward(Executor& executor, const Case& c, const std::vector<float>& normalized_gradient,
                   const std::vector<float>& stream = {}) {
  const size_t columns = c.gamma.size();
  Gradients g{stream.empty() ? std::vector<float>(c.sum.size(), 7.0f) : stream, std::vector<float>(c.sum.size()),
              std::vector<float>(columns, 7.0f), std::vector<float>(columns, 7.0f), std::vector<float>(columns, 7.0f)};
  const Shape matrix{c.rows, c.columns}, row{c.columns};
  ResidualLayerNormBackward a;
  a.normalized_gradient = tensor_of(normalized_gradient, matrix);
  a.sum = tensor_of(c.sum, matrix);
  a.mean = tensor_of(c.mean, {c.rows});
  a.rstd = tensor_of(c.rstd, {c.rows});
  a.gamma = tensor_of(c.gamma, row);
  a.dropout = c.dropout;
  a.add_to_sum_gradient = !stream.empty();
  a.sum_gradient = tensor_of(g.sum, matrix);
  a.x_gradient = tensor_of(g.x, matrix);
  a.gamma_gradient = tensor_of(g.gamma, row);
  a.beta_gradient = tensor_of(g.beta, row);
  a.bias_gradient = tensor_of(g.bias, row);
  residual_layer_norm_backward(executor, a);
  return g;
}

TEST(ResidualLayerNorm, ForwardMatchesTheReferenceWithEachOptionalPart) {
  for_each_machine([](Executor& executor) {
    for (int64_t columns : {3, 17, 127, 128, 129, 1000, 1100}) {
      for (int parts = 0; parts < 4; ++parts) {
        Case c(37, columns, parts == 3 ? 0.25f : 0.0f, parts > 0, parts > 1);
        c.forward(executor);
        const Result expected = reference(c.values());
        expect_close(c.sum, expected.sum, 1e-6, 2e-7, "sum");
        expect_close(c.normalized, expected.normalized, 1e-5, 1e-5, "normalized");
        expect_close(c.mean, expected.mean, 1e-6, 1e-6, "mean");
        expect_close(c.rstd, expected.rstd, 0, 5e-6, "rstd");
      }
    }
  });
}

TEST(ResidualLayerNorm, ASingleColumnIsItsBeta) {
  for_each_machine([](Executor& executor) {
    Case c(5, 1, 0);
    c.forward(executor);
    for (float value : c.normalized) EXPECT_EQ(value, c.beta[0]);
  });
}

TEST(ResidualLayerNorm, SumMayBeXOrResidualAndStatisticsMayBeLeftOut) {
  for_each_machine([](Executor& executor) {
    Case c(37, 130, 0.25f);
    c.forward(executor);
    for (bool over_x : {true, false}) {
      Case other(37, 130, 0.25f);
      const Shape matrix{37, 130}, row{130};
      ResidualLayerNorm a;
      a.x = tensor_of(other.x, matrix);
      a.bias = tensor_of(other.bias, row);
      a.residual = tensor_of(other.residual, matrix);
      a.gamma = tensor_of(other.gamma, row);
      a.beta = tensor_of(other.beta, row);
      a.dropout = other.dropout;
      a.sum = over_x ? a.x : a.residual;
      a.normalized = tensor_of(other.normalized, matrix);
      residual_layer_norm_forward(executor, a);
      EXPECT_TRUE(same_bits(other.normalized, c.normalized));
      EXPECT_TRUE(same_bits(over_x ? other.x : other.residual, c.sum));
    }
    Case plain(37, 130, 0, false, false), without_sum(37, 130, 0, false, false);
    plain.forward(executor);
    ResidualLayerNorm a;
    a.residual = tensor_of(without_sum.residual, {37, 130});
    a.gamma = tensor_of(without_sum.gamma, {130});
    a.beta = tensor_of(without_sum.beta, {130});
    a.normalized = tensor_of(without_sum.normalized, {37, 130});
    residual_layer_norm_forward(executor, a);
    EXPECT_TRUE(same_bits(without_sum.normalized, plain.normalized));
  });
}

double loss_of(const Values& v, const std::vector<float>& weights, const std::vector<float>& stream) {
  const Result result = reference(v);
  double loss = 0;
  for (size_t i = 0; i < weights.size(); ++i) loss += weights[i] * result.normalized[i] + stream[i] * result.sum[i];
  return loss;
}

TEST(ResidualLayerNorm, BackwardMatchesFiniteDifferences) {
  for_each_machine([](Executor& executor) {
    for (int64_t columns : {3, 17, 33}) {
      for (float probability : {0.0f, 0.25f}) {
        for (bool with_stream : {false, true}) {
          Case c(5, columns, probability);
          c.forward(executor);
          const std::vector<float> weights = normal_values(5 * columns, 6);
          const std::vector<float> stream = with_stream ? normal_values(5 * columns, 7) : std::vector<float>();
          const std::vector<float> added = with_stream ? stream : std::vector<float>(weights.size());
          Values v = c.values();
          const auto loss = [&] { return loss_of(v, weights, added); };
          const Gradients g = backward(executor, c, weights, stream);
          expect_close(g.sum, finite_differences(v.residual, loss), 2e-5, 2e-5, "sum");
          expect_close(g.x, finite_differences(v.x, loss), 2e-5, 2e-5, "x");
          expect_close(g.gamma, finite_differences(v.gamma, loss), 1e-5, 1e-5, "gamma");
          expect_close(g.beta, finite_differences(v.beta, loss), 1e-5, 1e-5, "beta");
          expect_close(g.bias, finite_differences(v.bias, loss), 3e-5, 2e-5, "bias");
        }
      }
    }
  });
}

// The formulas of the gradient in double, for sizes at which finite differences take too long.
TEST(ResidualLayerNorm, BackwardMatchesTheFormulasAtLargerSizes) {
  for_each_machine([](Executor& executor) {
    for (int64_t columns : {127, 128, 129, 1000, 1100}) {
      Case c(100, columns, 0.1f);
      c.forward(executor);
      const std::vector<float> weights = normal_values(100 * columns, 8);
      const Values v = c.values();
      const Result r = reference(v);
      const size_t n = static_cast<size_t>(columns);
      std::vector<double> sum, x, gamma(n), beta(n), bias(n);
      for (size_t row = 0; row < 100; ++row) {
        double mean_g = 0, mean_gu = 0;
        const auto unit = [&](size_t i) { return (r.sum[i] - r.mean[row]) * r.rstd[row]; };
        for (size_t i = row * n; i < (row + 1) * n; ++i) {
          mean_g += weights[i] * v.gamma[i % n] / static_cast<double>(n);
          mean_gu += weights[i] * v.gamma[i % n] * unit(i) / static_cast<double>(n);
        }
        for (size_t i = row * n; i < (row + 1) * n; ++i) {
          sum.push_back(r.rstd[row] * (weights[i] * v.gamma[i % n] - mean_g - unit(i) * mean_gu));
          x.push_back(v.mask[i] * sum.back());
          gamma[i % n] += weights[i] * unit(i);
          beta[i % n] += weights[i];
          bias[i % n] += x.back();
        }
      }
      const Gradients g = backward(executor, c, weights);
      expect_close(g.sum, sum, 1e-5, 1e-5, "sum");
      expect_close(g.x, x, 1e-5, 1e-5, "x");
      expect_close(g.gamma, gamma, 5e-5, 1e-5, "gamma");
      expect_close(g.beta, beta, 5e-5, 1e-5, "beta");
      expect_close(g.bias, bias, 5e-5, 1e-5, "bias");
    }
  });
}

TEST(ResidualLayerNorm, XGradientMayBeNormalizedGradientOrLeftOut) {
  for_each_machine([](Executor& executor) {
    Case c(37, 130, 0.25f);
    c.forward(executor);
    std::vector<float> weights = normal_values(37 * 130, 9);
    const Gradients expected = backward(executor, c, weights);
    const Shape matrix{37, 130}, row{130};
    std::vector<float> sum(weights.size()), gamma(130), beta(130), bias(130);
    ResidualLayerNormBackward a;
    a.normalized_gradient = tensor_of(weights, matrix);
    a.sum = tensor_of(c.sum, matrix);
    a.mean = tensor_of(c.mean, {37});
    a.rstd = tensor_of(c.rstd, {37});
    a.gamma = tensor_of(c.gamma, row);
    a.dropout = c.dropout;
    a.sum_gradient = tensor_of(sum, matrix);
    a.gamma_gradient = tensor_of(gamma, row);
    a.beta_gradient = tensor_of(beta, row);
    residual_layer_norm_backward(executor, a);
    EXPECT_TRUE(same_bits(sum, expected.sum));
    a.bias_gradient = tensor_of(bias, row);
    a.x_gradient = a.normalized_gradient;
    residual_layer_norm_backward(executor, a);
    EXPECT_TRUE(same_bits(sum, expected.sum));
    EXPECT_TRUE(same_bits(weights, expected.x));
    EXPECT_TRUE(same_bits(gamma, expected.gamma) && same_bits(beta, expected.beta) && same_bits(bias, expected.bias));
  });
}

TEST(ResidualLayerNorm, HasTheSameBitsForAnyThreads) {
  const std::vector<float> weights = normal_values(200 * 130, 10);
  expect_same_bits_for_any_threads([&](Executor& executor) {
    Case c(200, 130, 0.1f);
    c.forward(executor);
    std::vector<float> result = backward(executor, c, weights).all();
    result.insert(result.end(), c.normalized.begin(), c.normalized.end());
    return result;
  });
}

}  // namespace
}  // namespace podium
