#include "worker/model/gpt2.h"

#include <algorithm>

namespace podium {
namespace {

Gpt2Body make_body(ParameterSet& parameters, const Gpt2Config& config) {
  uint32_t dropout_layers = 0;
  return {parameters, config, dropout_layers};
}

}  // namespace

Gpt2LanguageModel::Gpt2LanguageModel(const Gpt2Config& config)
    : config_(config), body_(make_body(parameters_, config)) {
  output_ = config.tie_output
                ? body_.token_table()
                : parameters_.add("lm_head.weight", {config.vocabulary, config.embedding_size}, Initializer::kNormal);
}

void Gpt2LanguageModel::plan(const PackedSequences& sequences, bool backward, Arena& arena, Gpt2Workspace& w) const {
  arena.clear();
  body_.plan(arena, sequences, backward, w.activations_);
  w.loss_.plan(arena, sequences.rows(), config_.vocabulary);
  if (!backward || !arena.measures()) return;
  arena.allocate({sequences.rows(), config_.embedding_size});
  body_.plan_scratch(arena, sequences.rows());
}

void Gpt2LanguageModel::reserve(const PackedSequences& sequences, bool backward, Gpt2Workspace& w) const {
  Arena measure;
  plan(sequences, backward, measure, w);
  const size_t needed = measure.peak_bytes() + 64 * 64;
  if (needed > w.arena_.capacity_bytes()) w.arena_ = Arena(needed + needed / 4);
  plan(sequences, backward, w.arena_, w);
}

CrossEntropySums Gpt2LanguageModel::evaluate_shard(const StepContext& context, const Shard& shard,
                                                   float label_smoothing, Workspace& workspace) const {
  if (shard.labels.empty()) return {};
  auto& w = static_cast<Gpt2Workspace&>(workspace);
  reserve(shard.target_input, false, w);
  const Tensor states = body_.forward(context, shard.target_input, w.activations_);
  return w.loss_(context, states, output_, shard.labels, label_smoothing, {});
}

CrossEntropySums Gpt2LanguageModel::train_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                                                Workspace& workspace, const GradientReady& ready) const {
  if (shard.labels.empty()) {  // the last batch of an epoch may not fill all shards
    std::fill_n(context.gradients.base, parameters_.size(), 0.0f);
    ready(0, parameters_.size());
    return {};
  }
  auto& w = static_cast<Gpt2Workspace&>(workspace);
  reserve(shard.target_input, true, w);
  const Tensor states = body_.forward(context, shard.target_input, w.activations_);
  const Tensor gradient = w.arena_.allocate(states.shape);
  const CrossEntropySums sums = w.loss_(context, states, output_, shard.labels, label_smoothing, gradient);
  if (!config_.tie_output) ready(output_.offset, parameters_.size());
  body_.backward(context, w.arena_, shard.target_input, w.activations_, gradient, config_.tie_output, ready);
  return sums;
}

}  // namespace podium
