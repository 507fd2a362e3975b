// Softmax and cross-entropy over the vocabulary, with label smoothing as in torch.nn.CrossEntropyLoss.
#pragma once

#include <cstdint>
#include <span>

#include "worker/kernels/executor.h"
#include "worker/tensor/tensor.h"

namespace podium {

struct CrossEntropySums {
  double loss = 0;      // sum over rows of (1-s)·(-log p[label]) + s·mean over classes of -log p: what is trained
  double nll = 0;       // sum over rows of -log p[label]
  int64_t correct = 0;  // rows whose largest logit (the first of equals) is the label's
  int64_t rows = 0;

  // In this fixed order wherever shards are summed.
  CrossEntropySums& operator+=(const CrossEntropySums& other) {
    loss += other.loss;
    nll += other.nll;
    correct += other.correct;
    rows += other.rows;
    return *this;
  }
};

// logits (R,V), labels R within V. gradient: logits are replaced by the gradient of `loss` (the sum, not the mean):
// softmax - ((1-s)·onehot + s/V). Sums are in double, rows in order; `scratch` has room for 2·R.
CrossEntropySums cross_entropy(Executor& executor, const Tensor& logits, std::span<const int32_t> labels,
                               float label_smoothing, bool gradient, std::span<double> scratch);

}  // namespace podium
