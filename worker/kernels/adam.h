// Adam and AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019) in one pass over all parameters.
#pragma once

#include <span>

#include "worker/kernels/executor.h"
#include "worker/tensor/tensor.h"

namespace podium {

struct AdamStep {
  // In double: 1 - beta2 of a float32 beta2 would be off by 1e-5.
  double learning_rate = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  double bias_correction1 = 1;  // 1 - beta1^t
  double bias_correction2 = 1;  // 1 - beta2^t
  double gradient_scale = 1;    // what gradients are multiplied by first: clipping times 1/tokens
};

// With g = gradient_scale·gradient:  m = β₁m + (1-β₁)g;  v = β₂v + (1-β₂)g²;
// w = w - lr·weight_decay·w - lr · (m/c₁) / (sqrt(v/c₂) + ε), as torch.optim.AdamW has it. Elementwise: the same bits
// on every instruction set and for any cut. Reads the three `from` buffers and writes the three `to` buffers, which may
// be the same.
struct AdamBuffers {
  std::span<float> weights, first_moment, second_moment;
};
void adam_update(Executor& executor, const AdamStep& step, std::span<const float> gradient, const AdamBuffers& from,
                 const AdamBuffers& to);

}  // namespace podium
