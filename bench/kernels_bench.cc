// Speed of the kernels at the presets' shapes, on one thread, and this machine's ceiling for them.
#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <vector>

#include "worker/kernels/attention.h"
#include "worker/kernels/matmul.h"

namespace podium {
namespace {

std::vector<float> random_values(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  std::minstd_rand random(1);
  for (float& value : values) value = static_cast<float>(random() % 2001) / 1000.0f - 1.0f;
  return values;
}

void count_flop(benchmark::State& state, double flop) {
  state.counters["GFLOP/s"] = benchmark::Counter(flop * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

// The processor's peak: fused multiply-adds on registers alone, enough of them to hide their latency.
#if defined(__x86_64__)
using Vector512 = float __attribute__((vector_size(64)));
__attribute__((target("avx512f"))) void fma_avx512(int64_t rounds) {
  Vector512 factor = {}, a = {}, b = {}, c = {}, d = {}, e = {}, f = {}, g = {}, h = {}, i = {}, j = {};
  for (int64_t round = 0; round < rounds; ++round) {
    asm volatile(
        "vfmadd231ps %10, %10, %0\n\tvfmadd231ps %10, %10, %1\n\tvfmadd231ps %10, %10, %2\n\t"
        "vfmadd231ps %10, %10, %3\n\tvfmadd231ps %10, %10, %4\n\tvfmadd231ps %10, %10, %5\n\t"
        "vfmadd231ps %10, %10, %6\n\tvfmadd231ps %10, %10, %7\n\tvfmadd231ps %10, %10, %8\n\t"
        "vfmadd231ps %10, %10, %9"
        : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f), "+v"(g), "+v"(h), "+v"(i), "+v"(j)
        : "v"(factor));
  }
}

void fma_peak_avx512(benchmark::State& state) {
  if (!__builtin_cpu_supports("avx512f")) return state.SkipWithError("no AVX-512 here");
  const int64_t rounds = 100000;
  for (auto _ : state) fma_avx512(rounds);
  count_flop(state, 2.0 * 16 * 10 * rounds);
}
BENCHMARK(fma_peak_avx512);
#endif

// c (m,n) = op(a)·op(b) over k, without the sign of a transpose in the name: y = x·Wᵀ, dx = dy·W, dW = dyᵀ·x.
void matmul_benchmark(benchmark::State& state, Transpose transpose_a, Transpose transpose_b) {
  const int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  std::vector<float> a = random_values(m * k), b = random_values(k * n), c(static_cast<size_t>(m * n));
  const Tensor left(a.data(), transpose_a == Transpose::kYes ? Shape{k, m} : Shape{m, k});
  const Tensor right(b.data(), transpose_b == Transpose::kYes ? Shape{n, k} : Shape{k, n});
  ThreadPool pool(static_cast<int>(state.range(3)));
  Executor executor{pool};
  for (auto _ : state) matmul(executor, left, transpose_a, right, transpose_b, Tensor(c.data(), {m, n}));
  count_flop(state, 2.0 * m * n * k);
}

void shapes_m_n_k(benchmark::internal::Benchmark* benchmark, std::vector<std::vector<int64_t>> shapes) {
  benchmark->ArgNames({"m", "n", "k", "threads"})->UseRealTime();
  for (std::vector<int64_t>& shape : shapes) {
    for (const int64_t threads : {1, 2}) {
      shape.resize(3);
      shape.push_back(threads);
      benchmark->Args(shape);
    }
  }
}

BENCHMARK_CAPTURE(matmul_benchmark, forward, Transpose::kNo, Transpose::kYes)->Apply([](auto* benchmark) {
  shapes_m_n_k(benchmark, {{320, 384, 128},
                           {320, 128, 128},
                           {320, 512, 128},
                           {320, 128, 512},
                           {320, 8000, 128},
                           {256, 2048, 512},
                           {256, 32000, 512},
                           {1, 8000, 128},
                           {8, 8000, 128}});
});
BENCHMARK_CAPTURE(matmul_benchmark, input_gradient, Transpose::kNo, Transpose::kNo)->Apply([](auto* benchmark) {
  shapes_m_n_k(benchmark, {{320, 128, 384}, {320, 128, 8000}, {256, 512, 2048}, {256, 512, 32000}});
});
BENCHMARK_CAPTURE(matmul_benchmark, weight_gradient, Transpose::kYes, Transpose::kNo)->Apply([](auto* benchmark) {
  shapes_m_n_k(benchmark, {{384, 128, 320}, {8000, 128, 320}, {2048, 512, 256}, {32000, 512, 256}});
});

// Eight sentences of 40 tokens, 8 heads, in a fused (rows, 3·D) projection.
struct AttentionBatch {
  static constexpr int kHeads = 8;
  static constexpr int64_t kSentences = 8, kTokens = 40;
  explicit AttentionBatch(int head_size, bool causal, float dropout_probability)
      : head_size(head_size), width(int64_t{kHeads} * head_size), dropout{dropout_probability, {}} {
    for (int64_t i = 0; i < kSentences; ++i) {
      begin.push_back(static_cast<int32_t>(i * kTokens));
      count.push_back(kTokens);
    }
    layout = {begin, count, begin, count, causal};
    probabilities.resize(static_cast<size_t>(attention_probabilities_size(layout, kHeads)));
  }
  double flop() const { return 4.0 * kSentences * kHeads * kTokens * kTokens * head_size; }
  HeadsView part(std::vector<float>& fused, int i) const { return {fused.data() + i * width, 3 * width}; }
  Tensor kept() { return {probabilities.data(), {static_cast<int64_t>(probabilities.size())}}; }

  int head_size;
  int64_t width;
  Dropout dropout;
  std::vector<int32_t> begin, count;
  AttentionLayout layout;
  std::vector<float> fused = random_values(kSentences * kTokens * 3 * width), gradient = fused;
  std::vector<float> context = random_values(kSentences * kTokens * width), probabilities;

  void forward(Executor& executor) {
    attention_forward(executor, layout, kHeads, head_size, 1 / std::sqrt(static_cast<float>(head_size)), part(fused, 0),
                      part(fused, 1), part(fused, 2), dropout, kept(), {context.data(), width});
  }
  void backward(Executor& executor) {
    attention_backward(executor, layout, kHeads, head_size, 1 / std::sqrt(static_cast<float>(head_size)),
                       part(fused, 0), part(fused, 1), part(fused, 2), dropout, kept(), {context.data(), width},
                       part(gradient, 0), part(gradient, 1), part(gradient, 2));
  }
};

// Counts the products of all pairs, also of those that a causal layout leaves out.
void attention_benchmark(benchmark::State& state, bool backward) {
  AttentionBatch batch(static_cast<int>(state.range(0)), state.range(1) != 0, state.range(2) != 0 ? 0.1f : 0.0f);
  ThreadPool pool(static_cast<int>(state.range(3)));
  Executor executor{pool};
  batch.forward(executor);
  for (auto _ : state) backward ? batch.backward(executor) : batch.forward(executor);
  count_flop(state, batch.flop() * (backward ? 2 : 1));
}
void attention_arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"head_size", "causal", "dropout", "threads"})->ArgsProduct({{16, 64}, {0, 1}, {0, 1}, {1, 2}});
  benchmark->UseRealTime();
}
BENCHMARK_CAPTURE(attention_benchmark, forward, false)->Apply(attention_arguments);
BENCHMARK_CAPTURE(attention_benchmark, backward, true)->Apply(attention_arguments);

// One new token of 64 sentences against 40 cached keys.
void attention_decode(benchmark::State& state) {
  const int heads = 8, keys = 40, head_size = static_cast<int>(state.range(0));
  const int64_t sentences = 64, capacity = 64, width = int64_t{heads} * head_size;
  std::vector<float> query = random_values(sentences * width), context(query.size());
  std::vector<float> key = random_values(sentences * capacity * width), value = key;
  std::vector<int32_t> query_begin, key_begin;
  for (int64_t i = 0; i < sentences; ++i) {
    query_begin.push_back(static_cast<int32_t>(i));
    key_begin.push_back(static_cast<int32_t>(i * capacity));
  }
  const std::vector<int32_t> query_count(sentences, 1), key_count(sentences, keys);
  const AttentionLayout layout{query_begin, query_count, key_begin, key_count, false};
  ThreadPool pool(static_cast<int>(state.range(1)));
  Executor executor{pool};
  for (auto _ : state) {
    attention_forward(executor, layout, heads, head_size, 0.25f, {query.data(), width}, {key.data(), width},
                      {value.data(), width}, {}, {}, {context.data(), width});
  }
  count_flop(state, 4.0 * sentences * heads * keys * head_size);
}
BENCHMARK(attention_decode)->ArgNames({"head_size", "threads"})->ArgsProduct({{16, 64}, {1, 2}})->UseRealTime();

}  // namespace
}  // namespace podium
