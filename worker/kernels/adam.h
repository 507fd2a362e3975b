// Adam and AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019) in one pass over all parameters, with the average of the
// weights where one is kept.
#pragma once

#include <span>

#include "worker/kernels/executor.h"
#include "worker/tensor/tensor.h"

namespace podium {

struct AdamStep {
  // In double: 1 - beta2 of a float32 beta2 would be off by 1e-5.
  double learning_rate = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double bias_correction1 = 1;  // 1 - beta1^t
  double bias_correction2 = 1;  // 1 - beta2^t
  double gradient_scale = 1;    // what gradients are multiplied by first: clipping times 1/tokens
  double average_decay = 0;     // how much of the average stays
};

// The numbers [begin, end) of the flat buffer that are updated alike.
struct AdamSegment {
  int64_t begin = 0, end = 0;
  double learning_rate_factor = 1, weight_decay = 0;
  bool frozen = false;  // copied as they are, moments too
  bool operator==(const AdamSegment&) const = default;
};

struct AdamBuffers {
  std::span<float> weights, first_moment, second_moment;
  std::span<float> average = {};  // empty: none is kept
};

// With g = gradient_scale·gradient and lr = learning_rate·learning_rate_factor:  m = β₁m + (1-β₁)g;
// v = β₂v + (1-β₂)g²;  w = w - lr·weight_decay·w - lr · (m/c₁) / (sqrt(v/c₂) + ε), as torch.optim.AdamW has it;
// average = average + (1-average_decay)(w - average). Elementwise: the same bits on every instruction set and for any
// cut. `segments` follow each other and cover the gradient. Reads the `from` buffers and writes the `to` buffers, which
// may be the same.
void adam_update(Executor& executor, const AdamStep& step, std::span<const AdamSegment> segments,
                 std::span<const float> gradient, const AdamBuffers& from, const AdamBuffers& to);

}  // namespace podium
