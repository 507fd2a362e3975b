#include "worker/model/incremental_decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "worker/kernels/embedding.h"
#include "worker/kernels/matmul.h"

namespace podium {

IncrementalDecoder::IncrementalDecoder(const Transformer& model, FlatParameters weights, Executor& executor,
                                       int64_t maximum_hypotheses, int64_t maximum_tokens)
    : model_(model),
      weights_(weights),
      executor_(executor),
      maximum_hypotheses_(maximum_hypotheses),
      maximum_tokens_(std::min(maximum_tokens, model.config().maximum_positions)),
      layers_(model.decoder_.size()) {
  const int64_t numbers = maximum_hypotheses_ * maximum_tokens_ * 2 * model.config().embedding_size;
  for (LayerCache& layer : layers_)
    layer.keys_values = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(numbers));
}

void IncrementalDecoder::begin(const PackedSequences& source) {
  source_ = source;
  rows_.begin(std::vector<int32_t>(static_cast<size_t>(source.count()), 0));
  const AttentionLayout layout{source_.begin, source_.length, source_.begin, source_.length, false};
  const int64_t rows = source_.rows(), width = model_.config().embedding_size;
  auto plan = [&](Arena& arena) {
    model_.plan_encoder(layout, rows, false, arena, workspace_);
    for (LayerCache& layer : layers_) layer.cross_key_value = arena.allocate({rows, 2 * width});
  };
  Arena measure;
  plan(measure);
  if (measure.peak_bytes() > memory_arena_.capacity_bytes()) memory_arena_ = Arena(measure.peak_bytes());
  memory_arena_.clear();
  plan(memory_arena_);
  project_memory(model_.encode(context(), layout, source_, workspace_));
}

void IncrementalDecoder::project_memory(const Tensor& memory) {
  const StepContext step = context();
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Linear& projection = model_.decoder_[i].cross_attention.key_value_projection();
    linear_product(step, projection, memory, layers_[i].cross_key_value);
    bias_add(executor_, weights_[projection.bias], layers_[i].cross_key_value);
  }
}

void IncrementalDecoder::group_by_sentence(std::span<const int32_t> sentences) {
  for (auto* list : {&cross_query_, &cross_query_count_, &cross_begin_, &cross_count_}) list->clear();
  for (size_t i = 0; i < sentences.size(); ++i) {
    if (i > 0 && sentences[i] == sentences[i - 1]) {
      ++cross_query_count_.back();
      continue;
    }
    cross_query_.push_back(static_cast<int32_t>(i));
    cross_query_count_.push_back(1);
    cross_begin_.push_back(source_.begin[static_cast<size_t>(sentences[i])]);
    cross_count_.push_back(source_.length[static_cast<size_t>(sentences[i])]);
  }
}

Tensor IncrementalDecoder::step(std::span<const int32_t> sentences, std::span<const int32_t> parents,
                                std::span<const int32_t> tokens) {
  const TransformerConfig& config = model_.config();
  const int64_t rows = std::ssize(sentences), width = config.embedding_size;
  PODIUM_CHECK(std::ssize(tokens) == rows && std::ssize(parents) == rows && rows <= maximum_hypotheses_ &&
                   rows_.steps() < maximum_tokens_,
               "{} of {} hypotheses, token {} of {}", rows, maximum_hypotheses_, rows_.steps(), maximum_tokens_);
  positions_.assign(sentences.size(), static_cast<int32_t>(rows_.steps()));
  rows_.extend(sentences, parents, maximum_hypotheses_);
  group_by_sentence(sentences);
  self_query_.resize(sentences.size());
  std::iota(self_query_.begin(), self_query_.end(), 0);
  self_query_count_.assign(sentences.size(), 1);
  const size_t numbers =
      static_cast<size_t>(rows) * static_cast<size_t>(layers_.size() * (14 * width + 2 * config.feed_forward_size) +
                                                      config.target_vocabulary + 4 * width);
  const size_t needed = numbers * sizeof(float) + 64 * 32 * (layers_.size() + 1);
  if (needed > step_arena_.capacity_bytes()) step_arena_ = Arena(needed);
  step_arena_.clear();
  Tensor x = step_arena_.allocate({rows, width});
  embedding_forward(executor_, tokens, positions_, weights_[model_.target_embedding_], model_.position_table(),
                    std::sqrt(static_cast<float>(width)), {}, x);
  for (size_t i = 0; i < layers_.size(); ++i) {
    x = cross_attention(i, self_attention(i, x));
    FeedForwardActivations feed_forward;
    model_.decoder_[i].feed_forward.plan(step_arena_, rows, feed_forward);
    model_.decoder_[i].feed_forward.forward(context(), x, feed_forward);
    x = feed_forward.end.output;
  }
  Tensor logits = step_arena_.allocate({rows, config.target_vocabulary});
  matmul(executor_, x, Transpose::kNo, weights_[model_.output_], Transpose::kYes, logits);
  return logits;
}

Tensor IncrementalDecoder::self_attention(size_t layer, const Tensor& x) {
  const AttentionLayer& attention = model_.decoder_[layer].self_attention;
  const StepContext step = context();
  const int64_t width = model_.config().embedding_size;
  AttentionActivations a;
  a.query = step_arena_.allocate({x.rows(), 3 * width});
  a.context = step_arena_.allocate({x.rows(), width});
  a.end.plan(step_arena_, x.rows(), width);
  linear_product(step, attention.query_projection(), x, a.query);
  bias_add(executor_, weights_[attention.query_projection().bias], a.query);
  float* cache = layers_[layer].keys_values.get();
  for (int64_t i = 0; i < x.rows(); ++i) {
    std::memcpy(cache + rows_.new_row(static_cast<size_t>(i)) * 2 * width, a.query.f32() + i * 3 * width + width,
                static_cast<size_t>(2 * width) * sizeof(float));
  }
  const AttentionLayout layout{self_query_, self_query_count_, rows_.row_begin(), rows_.row_count(),
                               false,       rows_.rows()};
  attention_forward(executor_, layout, model_.config().heads, static_cast<int>(attention.head_size()),
                    attention.scale(), {a.query.f32(), 3 * width}, {cache, 2 * width}, {cache + width, 2 * width}, {},
                    {}, {a.context.f32(), width});
  attention.finish(step, x, a);
  return a.end.output;
}

Tensor IncrementalDecoder::cross_attention(size_t layer, const Tensor& x) {
  const AttentionLayer& attention = model_.decoder_[layer].cross_attention;
  const StepContext step = context();
  const int64_t width = model_.config().embedding_size;
  AttentionActivations a;
  a.query = step_arena_.allocate({x.rows(), width});
  a.context = step_arena_.allocate({x.rows(), width});
  a.end.plan(step_arena_, x.rows(), width);
  linear_product(step, attention.query_projection(), x, a.query);
  bias_add(executor_, weights_[attention.query_projection().bias], a.query);
  float* memory = layers_[layer].cross_key_value.f32();
  const AttentionLayout layout{cross_query_, cross_query_count_, cross_begin_, cross_count_, false};
  attention_forward(executor_, layout, model_.config().heads, static_cast<int>(attention.head_size()),
                    attention.scale(), {a.query.f32(), width}, {memory, 2 * width}, {memory + width, 2 * width}, {}, {},
                    {a.context.f32(), width});
  attention.finish(step, x, a);
  return a.end.output;
}

}  // namespace podium
