// Binary cross-entropy for texts that may have several labels or none, as torch.nn.BCEWithLogitsLoss.
#pragma once

#include <cstdint>
#include <span>

#include "worker/kernels/cross_entropy.h"
#include "worker/kernels/executor.h"
#include "worker/tensor/tensor.h"

namespace podium {

struct BinaryCrossEntropyOptions {
  std::span<const float> weights = {};  // of labels; empty: all 1
  float label_smoothing = 0;            // s: targets are y·(1-s) + s/2
  double threshold = 0.5;               // the probability from which on a label is predicted
  bool gradient = false;
};

// logits (R,K), targets R·K zeros and ones. A row's loss is the mean over its labels of
// weight · (max(x,0) - x·target + log(1 + e^-|x|)); its nll is the same without weights and smoothing, and it is
// correct when each label is predicted exactly where its target is 1. With `gradient` logits are replaced by the
// gradient of the sum of losses. In double, a row after the other; `scratch` has room for 2·R.
CrossEntropySums binary_cross_entropy(Executor& executor, const Tensor& logits, std::span<const int32_t> targets,
                                      const BinaryCrossEntropyOptions& options, std::span<double> scratch);

// 1 / (1 + e^-x) without overflow, as the loss and its threshold see it.
float sigmoid(float x);

}  // namespace podium
