// Speed of the kernels around the matrix products, as bytes that must move, on one thread.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "worker/kernels/adam.h"
#include "worker/kernels/cross_entropy.h"
#include "worker/kernels/dropout.h"
#include "worker/kernels/elementwise.h"
#include "worker/kernels/embedding.h"
#include "worker/kernels/layer_norm.h"
#include "worker/kernels/linear_epilogue.h"
#include "worker/tensor/arena.h"

namespace podium {
namespace {

constexpr Dropout kDropout{0.1f, {1, 2, 3, 4}};

// A tensor where the model would have it: in an arena, aligned.
struct Buffer {
  Arena arena;
  Tensor tensor;
  explicit Buffer(Shape shape) : arena(static_cast<size_t>(shape.size()) * 4 + 64), tensor(arena.allocate(shape)) {
    for (int64_t i = 0; i < shape.size(); ++i)
      tensor.f32()[i] = static_cast<float>(i * 2654435761 % 2001) / 1e3f - 1.0f;
  }
  operator Tensor() const { return tensor; }
  int64_t size() const { return tensor.size(); }
  Shape shape() const { return tensor.shape; }
  std::span<float> span() const { return {tensor.f32(), static_cast<size_t>(size())}; }
};

// Runs `kernel(executor)`; `bytes` is what one run has to read and write at the least.
template <typename Kernel>
void measure(benchmark::State& state, int64_t bytes, Kernel&& kernel) {
  ThreadPool pool(1);
  Executor executor{pool};
  for (auto _ : state) {
    kernel(executor);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * bytes);
}

void rows_and_columns(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"rows", "columns"})->Args({320, 128})->Args({320, 512});
}

void dropout_benchmark(benchmark::State& state) {
  Buffer x({state.range(0), state.range(1)}), y(x.shape());
  measure(state, 8 * x.size(), [&](Executor& e) { dropout(e, kDropout, x, y); });
}
BENCHMARK(dropout_benchmark)->Apply(rows_and_columns);

void bias_add_benchmark(benchmark::State& state) {
  Buffer x({state.range(0), state.range(1)}), bias({state.range(1)});
  measure(state, 8 * x.size(), [&](Executor& e) { bias_add(e, bias, x); });
}
BENCHMARK(bias_add_benchmark)->Apply(rows_and_columns);

void bias_backward_benchmark(benchmark::State& state) {
  Buffer x({state.range(0), state.range(1)}), bias({state.range(1)});
  measure(state, 4 * x.size(), [&](Executor& e) { bias_backward(e, x, bias); });
}
BENCHMARK(bias_backward_benchmark)->Apply(rows_and_columns);

void activation_forward(benchmark::State& state, Activation activation) {
  Buffer x({state.range(0), state.range(1)}), y(x.shape()), bias({state.range(1)});
  std::fill_n(bias.tensor.f32(), bias.size(), 0.0f);
  measure(state, 12 * x.size(), [&](Executor& e) { bias_activation_forward(e, activation, bias, x, y); });
}
void activation_gradient(benchmark::State& state, Activation activation) {
  Buffer x({state.range(0), state.range(1)}), y(x.shape()), z(x.shape());
  measure(state, 12 * x.size(), [&](Executor& e) { activation_backward(e, activation, x, y, z); });
}
BENCHMARK_CAPTURE(activation_forward, relu, Activation::kRelu)->Apply(rows_and_columns);
BENCHMARK_CAPTURE(activation_forward, gelu, Activation::kGelu)->Apply(rows_and_columns);
BENCHMARK_CAPTURE(activation_forward, silu, Activation::kSilu)->Apply(rows_and_columns);
BENCHMARK_CAPTURE(activation_gradient, relu, Activation::kRelu)->Apply(rows_and_columns);
BENCHMARK_CAPTURE(activation_gradient, gelu, Activation::kGelu)->Apply(rows_and_columns);
BENCHMARK_CAPTURE(activation_gradient, silu, Activation::kSilu)->Apply(rows_and_columns);

void layer_norm_forward_benchmark(benchmark::State& state) {
  const int64_t rows = state.range(0), columns = state.range(1);
  Buffer x({rows, columns}), residual(x.shape()), sum(x.shape()), normalized(x.shape()), bias({columns}),
      gamma({columns}), beta({columns}), mean({rows}), rstd({rows});
  const ResidualLayerNorm a{x, bias, residual, gamma, beta, kDropout, 1e-5f, sum, normalized, mean, rstd};
  measure(state, 16 * x.size(), [&](Executor& e) { residual_layer_norm_forward(e, a); });
}
BENCHMARK(layer_norm_forward_benchmark)->Apply(rows_and_columns);

void layer_norm_backward_benchmark(benchmark::State& state) {
  const int64_t rows = state.range(0), columns = state.range(1);
  Buffer gradient({rows, columns}), sum(gradient.shape()), sum_gradient(gradient.shape()), x_gradient(gradient.shape()),
      gamma({columns}), gamma_gradient({columns}), beta_gradient({columns}), bias_gradient({columns}), mean({rows}),
      rstd({rows});
  const ResidualLayerNormBackward a{gradient, sum,          mean,       rstd,           gamma,         kDropout,
                                    false,    sum_gradient, x_gradient, gamma_gradient, beta_gradient, bias_gradient};
  measure(state, 16 * sum.size(), [&](Executor& e) { residual_layer_norm_backward(e, a); });
}
BENCHMARK(layer_norm_backward_benchmark)->Apply(rows_and_columns);

struct Tokens {
  std::vector<int32_t> token, position;
  explicit Tokens(int64_t rows) {
    for (int64_t row = 0; row < rows; ++row) {
      token.push_back(static_cast<int32_t>(row * 7919 % 8000));
      position.push_back(static_cast<int32_t>(row % 40));
    }
  }
};

void embedding_forward_benchmark(benchmark::State& state) {
  const int64_t rows = state.range(0), columns = state.range(1);
  Buffer table({8000, columns}), positions({512, columns}), y({rows, columns});
  const Tokens t(rows);
  measure(state, 12 * y.size(),
          [&](Executor& e) { embedding_forward(e, t.token, t.position, table, positions, 11.0f, kDropout, y); });
}
BENCHMARK(embedding_forward_benchmark)->Apply(rows_and_columns);

void embedding_backward_benchmark(benchmark::State& state) {
  const int64_t rows = state.range(0), columns = state.range(1);
  Buffer gradient({8000, columns}), y({rows, columns});
  const Tokens t(rows);
  measure(state, 12 * y.size(),
          [&](Executor& e) { embedding_backward(e, t.token, y, 11.0f, kDropout, 0, false, gradient); });
}
BENCHMARK(embedding_backward_benchmark)->Apply(rows_and_columns);

// Refills the logits each time, which is measured with it: 8 bytes more an element.
void cross_entropy_benchmark(benchmark::State& state, bool gradient) {
  Buffer source({state.range(0), state.range(1)}), logits(source.shape());
  const Tokens t(state.range(0));
  std::vector<double> scratch(2 * t.token.size());
  measure(state, (gradient ? 16 : 4) * logits.size(), [&](Executor& e) {
    if (gradient) std::copy_n(source.tensor.f32(), source.size(), logits.tensor.f32());
    benchmark::DoNotOptimize(cross_entropy(e, logits, t.token, 0.1f, gradient, scratch));
  });
}
void vocabularies(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"rows", "classes"})->Args({320, 8000})->Args({128, 32000});
}
BENCHMARK_CAPTURE(cross_entropy_benchmark, gradient, true)->Apply(vocabularies);
BENCHMARK_CAPTURE(cross_entropy_benchmark, loss_only, false)->Apply(vocabularies);

void parameters(benchmark::internal::Benchmark* benchmark) { benchmark->ArgNames({"elements"})->Args({5000000}); }

void adam_benchmark(benchmark::State& state) {
  Buffer gradient({state.range(0)}), weights(gradient.shape()), first(gradient.shape()), second(gradient.shape());
  for (float& value : second.span()) value *= value;
  AdamStep step;
  step.learning_rate = 1e-4f;
  const AdamBuffers buffers{weights.span(), first.span(), second.span()};
  const std::vector<AdamSegment> all = {{0, gradient.size()}};
  measure(state, 28 * gradient.size(),
          [&](Executor& e) { adam_update(e, step, all, gradient.span(), buffers, buffers); });
}
BENCHMARK(adam_benchmark)->Apply(parameters);

void add_benchmark(benchmark::State& state) {
  Buffer a({state.range(0)}), b(a.shape());
  measure(state, 12 * a.size(), [&](Executor& e) { add(e, a.span(), b.span(), a.span()); });
}
BENCHMARK(add_benchmark)->Apply(parameters);

void sum_of_squares_benchmark(benchmark::State& state) {
  Buffer a({state.range(0)});
  std::vector<double> sums(a.span().size() / kNormChunk + 1);
  measure(state, 4 * a.size(), [&](Executor& e) { benchmark::DoNotOptimize(sum_of_squares(e, a.span(), sums)); });
}
BENCHMARK(sum_of_squares_benchmark)->Apply(parameters);

void first_non_finite_benchmark(benchmark::State& state) {
  Buffer a({state.range(0)});
  measure(state, 4 * a.size(), [&](Executor&) { benchmark::DoNotOptimize(first_non_finite(a.span())); });
}
BENCHMARK(first_non_finite_benchmark)->Apply([](auto* benchmark) {
  benchmark->ArgNames({"elements"})->Args({5000000});
});

}  // namespace
}  // namespace podium
