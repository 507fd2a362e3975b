// Scaled dot-product attention with several heads over packed sentences ("Attention Is All You Need", 3.2).
#pragma once

#include <cstdint>
#include <span>

#include "worker/kernels/dropout.h"
#include "worker/kernels/executor.h"
#include "worker/tensor/tensor.h"

namespace podium {

// Which rows belong together. Sentence i has query rows [query_begin[i], query_begin[i] + query_count[i]) and key rows
// likewise. No padding: a sentence sees its own keys only. causal: query t sees keys 0..t (then query_count ==
// key_count).
// key_rows, for the forward pass alone: keys need not lie behind each other; key s of sentence i is then row
// key_rows[key_begin[i] + s], so that sentences may share rows. Empty: row key_begin[i] + s.
struct AttentionLayout {
  std::span<const int32_t> query_begin, query_count, key_begin, key_count;
  bool causal = false;
  std::span<const int32_t> key_rows = {};
};

// A matrix of heads inside a wider one: row r, head h, element e lies at data[r * row_stride + h * head_size + e]. So
// the queries of a fused (rows, 3·D) projection are {qkv, 3·D}, its keys {qkv + D, 3·D}.
struct HeadsView {
  float* data = nullptr;
  int64_t row_stride = 0;
};

// Numbers of float32 that `probabilities` needs for a layout: the sum over sentences of heads × query_count ×
// key_count, each sentence's part rounded up as the kernel likes it.
int64_t attention_probabilities_size(const AttentionLayout& layout, int heads);

// context[r,h,:] = sum over keys of dropout(softmax(scale · q·k)) v; zero where there is no key.
// probabilities: (attention_probabilities_size) receives the softmax before dropout, for the backward pass; empty: not
// kept. Dropout's element index of (sentence i, head h, query t, key s) is base + (h·query_count + t)·key_count + s,
// with base the sum of heads·query_count·key_count over the sentences before i: the same on every device, whatever the
// layout of `probabilities`. The output overlaps no input. Each thread keeps scratch memory for its largest head so
// far; nothing else is allocated, and nothing at all once the largest batch has been seen.
void attention_forward(Executor& executor, const AttentionLayout& layout, int heads, int head_size, float scale,
                       HeadsView query, HeadsView key, HeadsView value, Dropout dropout, const Tensor& probabilities,
                       HeadsView context);

// Gradients of query, key and value from that of context; all three are replaced and overlap no input. Regenerates the
// dropout of the forward pass.
void attention_backward(Executor& executor, const AttentionLayout& layout, int heads, int head_size, float scale,
                        HeadsView query, HeadsView key, HeadsView value, Dropout dropout, const Tensor& probabilities,
                        HeadsView context_gradient, HeadsView query_gradient, HeadsView key_gradient,
                        HeadsView value_gradient);

}  // namespace podium
