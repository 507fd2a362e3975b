#include "worker/model/text_classifier.h"

#include <algorithm>

namespace podium {

void TextClassifier::reserve(const PackedSequences& texts, bool backward, TextClassifierWorkspace& w) const {
  const auto plan = [&](Arena& arena) {
    arena.clear();
    w.features_ = arena.allocate({texts.count(), width()});
    if (backward) w.features_gradient_ = arena.allocate({texts.count(), width()});
    head().plan(arena, texts.count(), w.head_);
    plan_body(texts, backward, arena, w);
  };
  Arena measure;
  plan(measure);
  const size_t needed = measure.peak_bytes() + 64 * 64;
  if (needed > w.arena_.capacity_bytes()) w.arena_ = Arena(needed + needed / 4);
  plan(w.arena_);
}

void TextClassifier::forward(const StepContext& context, const PackedSequences& texts, bool backward,
                             TextClassifierWorkspace& w) const {
  reserve(texts, backward, w);
  features(context, texts, w, w.features_);
  head().forward(context, w.features_, w.head_);
}

CrossEntropySums TextClassifier::evaluate_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                                                Workspace& workspace) const {
  if (shard.source.count() == 0) return {};
  auto& w = static_cast<TextClassifierWorkspace&>(workspace);
  forward(context, shard.source, false, w);
  return head().loss(context, shard.labels, label_smoothing, false, w.head_);
}

CrossEntropySums TextClassifier::train_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                                             Workspace& workspace, const GradientReady& ready) const {
  if (shard.source.count() == 0) {  // the last batch of an epoch may not fill all shards
    std::fill_n(context.gradients.base, parameters_.size(), 0.0f);
    ready(0, parameters_.size());
    return {};
  }
  auto& w = static_cast<TextClassifierWorkspace&>(workspace);
  forward(context, shard.source, true, w);
  const CrossEntropySums sums = head().loss(context, shard.labels, label_smoothing, true, w.head_);
  head().backward(context, w.head_, w.features_gradient_);
  ready(head_begin(), parameters_.size());
  features_backward(context, shard.source, w, w.arena_, w.features_, w.features_gradient_, ready);
  return sums;
}

Tensor TextClassifier::predict(const StepContext& context, const PackedSequences& texts, Workspace& workspace) const {
  auto& w = static_cast<TextClassifierWorkspace&>(workspace);
  forward(context, texts, false, w);
  head().to_probabilities(w.head_.logits);
  return w.head_.logits;
}

}  // namespace podium
