#include "worker/model/vocabulary_loss.h"

#include <algorithm>

#include "worker/kernels/matmul.h"

namespace podium {
namespace {

// Rows of logits that are in memory at a time.
constexpr int64_t kLogitRows = 512;

}  // namespace

void VocabularyLoss::plan(Arena& arena, int64_t rows, int64_t vocabulary) {
  logits_ = arena.allocate({std::min(rows, kLogitRows), vocabulary});
  if (row_scratch_.empty()) row_scratch_.resize(2 * static_cast<size_t>(kLogitRows));
}

CrossEntropySums VocabularyLoss::operator()(const StepContext& context, const Tensor& states, const ParameterRef& table,
                                            std::span<const int32_t> labels, float label_smoothing,
                                            const Tensor& states_gradient) {
  CrossEntropySums sums;
  const bool backward = !states_gradient.empty();
  const Tensor weights = context.weights[table];
  for (int64_t begin = 0; begin < states.rows(); begin += kLogitRows) {
    const int64_t rows = std::min(kLogitRows, states.rows() - begin);
    const Tensor block = states.row_range(begin, rows);
    const Tensor logits = logits_.row_range(0, rows);
    matmul(context.executor, block, Transpose::kNo, weights, Transpose::kYes, logits);
    context.observe("", "logits", logits);
    sums +=
        cross_entropy(context.executor, logits, labels.subspan(static_cast<size_t>(begin), static_cast<size_t>(rows)),
                      label_smoothing, backward, row_scratch_);
    if (!backward) continue;
    matmul(context.executor, logits, Transpose::kYes, block, Transpose::kNo, context.gradients[table],
           begin == 0 ? Store::kReplace : Store::kAdd);
    matmul(context.executor, logits, Transpose::kNo, weights, Transpose::kNo, states_gradient.row_range(begin, rows));
  }
  return sums;
}

}  // namespace podium
