// The output projection onto a vocabulary with its loss, in blocks of rows, so that the logits of a whole shard are
// never in memory.
#pragma once

#include <span>
#include <vector>

#include "worker/kernels/cross_entropy.h"
#include "worker/model/step_context.h"
#include "worker/tensor/arena.h"

namespace podium {

class VocabularyLoss {
 public:
  // Memory for a shard of `rows`.
  void plan(Arena& arena, int64_t rows, int64_t vocabulary);

  // The cross-entropy of states (R,D) times the transposed table (V,D) against R labels. states_gradient (R,D) and the
  // table's gradient are replaced; an empty states_gradient: no backward pass.
  CrossEntropySums operator()(const StepContext& context, const Tensor& states, const ParameterRef& table,
                              std::span<const int32_t> labels, float label_smoothing, const Tensor& states_gradient);

 private:
  Tensor logits_;  // a block of rows × vocabulary
  std::vector<double> row_scratch_;
};

}  // namespace podium
