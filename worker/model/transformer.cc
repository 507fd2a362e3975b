#include "worker/model/transformer.h"

#include <algorithm>
#include <cmath>

#include "worker/kernels/embedding.h"
#include "worker/kernels/matmul.h"
#include "worker/model/positions.h"

namespace podium {
namespace {

SublayerOptions sublayer_options(const TransformerConfig& config) {
  SublayerOptions options;
  options.width = config.embedding_size;
  options.heads = config.heads;
  options.dropout = config.dropout;
  options.attention_dropout = config.attention_dropout;
  options.activation_dropout = config.activation_dropout;
  return options;
}

}  // namespace

Transformer::Transformer(const TransformerConfig& config) : config_(config) {
  const int64_t width = config.embedding_size;
  if (config.heads < 1 || width % config.heads != 0)
    throw Error("model.embedding_size {} is not a multiple of model.heads {}", width, config.heads);
  if (config.shared_vocabulary && config.source_vocabulary != config.target_vocabulary)
    throw Error("a shared vocabulary, but {} source and {} target tokens", config.source_vocabulary,
                config.target_vocabulary);
  positions_ = sinusoidal_positions(config.maximum_positions, width);
  const int64_t pad = config.target_vocabulary - 1;
  if (config.shared_vocabulary) {
    source_embedding_ = target_embedding_ =
        parameters_.add("model.shared.weight", {config.target_vocabulary, width}, Initializer::kEmbedding, pad);
  } else {
    source_embedding_ = parameters_.add("model.encoder.embed_tokens.weight", {config.source_vocabulary, width},
                                        Initializer::kEmbedding, config.source_vocabulary - 1);
    target_embedding_ = parameters_.add("model.decoder.embed_tokens.weight", {config.target_vocabulary, width},
                                        Initializer::kEmbedding, pad);
  }

  uint32_t dropout_layers = 0;
  source_dropout_layer_ = dropout_layers++;
  target_dropout_layer_ = dropout_layers++;
  const SublayerOptions options = sublayer_options(config);
  using Kind = AttentionLayer::Kind;
  auto attention = [&](Kind kind, const std::string& layer, const char* name, const char* observed) {
    const std::string prefix = layer + "." + name;
    const AttentionNames names{prefix + ".q_proj", prefix + ".k_proj", prefix + ".v_proj", prefix + ".out_proj",
                               prefix + "_layer_norm"};
    return AttentionLayer(parameters_, kind, names, layer.substr(std::string("model.").size()) + "." + observed,
                          options, dropout_layers);
  };
  auto feed_forward = [&](const std::string& layer) {
    const FeedForwardNames names{layer + ".fc1", layer + ".fc2", layer + ".final_layer_norm"};
    return FeedForward(parameters_, names, layer.substr(std::string("model.").size()) + ".feed_forward", options,
                       config.feed_forward_size, config.activation, dropout_layers);
  };
  for (int i = 0; i < config.encoder_layers; ++i) {
    const std::string layer = fmt::format("model.encoder.layers.{}", i);
    encoder_begin_.push_back(parameters_.size());
    AttentionLayer self = attention(Kind::kSelf, layer, "self_attn", "self_attn");
    encoder_.push_back({std::move(self), feed_forward(layer)});
  }
  encoder_begin_.push_back(parameters_.size());
  for (int i = 0; i < config.decoder_layers; ++i) {
    const std::string layer = fmt::format("model.decoder.layers.{}", i);
    decoder_begin_.push_back(parameters_.size());
    AttentionLayer self = attention(Kind::kSelf, layer, "self_attn", "self_attn");
    AttentionLayer cross = attention(Kind::kCross, layer, "encoder_attn", "cross_attn");
    decoder_.push_back({std::move(self), std::move(cross), feed_forward(layer)});
  }
  decoder_begin_.push_back(parameters_.size());
  output_ = config.tie_output
                ? target_embedding_
                : parameters_.add("lm_head.weight", {config.target_vocabulary, width}, Initializer::kXavierUniform);
}

std::vector<ModelTensor> Transformer::tensors() const {
  std::vector<ModelTensor> tensors = Model::tensors();
  // Untied from the output, a shared table is looked up under the names of both its users.
  if (config_.shared_vocabulary && !config_.tie_output)
    for (const char* user : {"model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"})
      tensors.push_back({user, target_embedding_.shape, target_embedding_.offset});
  tensors.push_back({"final_logits_bias", {1, config_.target_vocabulary}, -1});
  return tensors;
}

Tensor Transformer::position_table() const {
  return {const_cast<float*>(positions_.data()), Shape{config_.maximum_positions, config_.embedding_size}};
}

Transformer::Layouts Transformer::layouts_of(const Shard& shard) {
  const PackedSequences& source = shard.source;
  const PackedSequences& target = shard.target_input;
  return {{source.begin, source.length, source.begin, source.length, false},
          {target.begin, target.length, target.begin, target.length, true},
          {target.begin, target.length, source.begin, source.length, false}};
}

void Transformer::plan_encoder(const AttentionLayout& layout, int64_t rows, bool backward, Arena& arena,
                               TransformerWorkspace& w) const {
  w.encoder_.resize(encoder_.size());
  w.source_embedded_ = arena.allocate({rows, config_.embedding_size});
  for (size_t i = 0; i < encoder_.size(); ++i) {
    if (i > 0 && !backward) {
      // One layer's memory serves all: a layer has read the output of the one before when it writes its own.
      w.encoder_[i] = w.encoder_[0];
      continue;
    }
    encoder_[i].self_attention.plan(arena, layout, rows, 0, backward, w.encoder_[i].self_attention);
    encoder_[i].feed_forward.plan(arena, rows, w.encoder_[i].feed_forward);
  }
}

void Transformer::plan(const Layouts& layouts, int64_t source_rows, int64_t target_rows, bool backward, Arena& arena,
                       TransformerWorkspace& w) const {
  const int64_t width = config_.embedding_size;
  arena.clear();
  plan_encoder(layouts.encoder_self, source_rows, backward, arena, w);
  w.decoder_.resize(decoder_.size());
  w.target_embedded_ = arena.allocate({target_rows, width});
  for (size_t i = 0; i < decoder_.size(); ++i) {
    decoder_[i].self_attention.plan(arena, layouts.decoder_self, target_rows, 0, backward,
                                    w.decoder_[i].self_attention);
    decoder_[i].cross_attention.plan(arena, layouts.cross, target_rows, source_rows, backward,
                                     w.decoder_[i].cross_attention);
    decoder_[i].feed_forward.plan(arena, target_rows, w.decoder_[i].feed_forward);
  }
  w.loss_.plan(arena, target_rows, config_.target_vocabulary);
  if (!backward || !arena.measures()) return;
  // The backward pass's own: a gradient in, a gradient out and one of the encoder's output, and the widest layer's
  // scratch.
  const int64_t rows = std::max(source_rows, target_rows);
  for (int i = 0; i < 4; ++i) arena.allocate({rows, width});
  arena.allocate({rows, std::max(config_.feed_forward_size, 4 * width)});
  arena.allocate({source_rows, 2 * width});
}

void Transformer::reserve(const Layouts& layouts, const Shard& shard, bool backward, TransformerWorkspace& w) const {
  const int64_t source_rows = shard.source.rows(), target_rows = shard.target_input.rows();
  Arena measure;
  plan(layouts, source_rows, target_rows, backward, measure, w);
  const size_t needed = measure.peak_bytes() + 64 * 64;
  if (needed > w.arena_.capacity_bytes()) w.arena_ = Arena(needed + needed / 4);
  plan(layouts, source_rows, target_rows, backward, w.arena_, w);
}

Tensor Transformer::embed(const StepContext& context, const PackedSequences& sequences, const ParameterRef& table,
                          uint32_t dropout_layer, const Tensor& y) const {
  const float scale = std::sqrt(static_cast<float>(config_.embedding_size));
  embedding_forward(context.executor, sequences.tokens, sequences.position, context.weights[table], position_table(),
                    scale, context.dropout_of(config_.dropout, dropout_layer), y);
  return y;
}

Tensor Transformer::encode(const StepContext& context, const AttentionLayout& layout, const PackedSequences& source,
                           TransformerWorkspace& w) const {
  Tensor x = embed(context, source, source_embedding_, source_dropout_layer_, w.source_embedded_);
  context.observe("encoder", ".embedded", x);
  for (size_t i = 0; i < encoder_.size(); ++i) {
    auto& a = w.encoder_[i];
    encoder_[i].self_attention.forward(context, layout, x, {}, a.self_attention);
    encoder_[i].feed_forward.forward(context, a.self_attention.end.output, a.feed_forward);
    x = a.feed_forward.end.output;
    if (context.observer != nullptr) context.observe(fmt::format("encoder.layers.{}", i), ".output", x);
  }
  return x;
}

Tensor Transformer::decode(const StepContext& context, const Layouts& layouts, const PackedSequences& target_input,
                           const Tensor& memory, TransformerWorkspace& w) const {
  Tensor x = embed(context, target_input, target_embedding_, target_dropout_layer_, w.target_embedded_);
  context.observe("decoder", ".embedded", x);
  for (size_t i = 0; i < decoder_.size(); ++i) {
    auto& a = w.decoder_[i];
    decoder_[i].self_attention.forward(context, layouts.decoder_self, x, {}, a.self_attention);
    decoder_[i].cross_attention.forward(context, layouts.cross, a.self_attention.end.output, memory, a.cross_attention);
    decoder_[i].feed_forward.forward(context, a.cross_attention.end.output, a.feed_forward);
    x = a.feed_forward.end.output;
    if (context.observer != nullptr) context.observe(fmt::format("decoder.layers.{}", i), ".output", x);
  }
  return x;
}

CrossEntropySums Transformer::evaluate_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                                             Workspace& workspace) const {
  if (shard.labels.empty()) return {};
  auto& w = static_cast<TransformerWorkspace&>(workspace);
  const Layouts layouts = layouts_of(shard);
  reserve(layouts, shard, false, w);
  const Tensor memory = encode(context, layouts.encoder_self, shard.source, w);
  const Tensor states = decode(context, layouts, shard.target_input, memory, w);
  return w.loss_(context, states, output_, shard.labels, label_smoothing, {});
}

CrossEntropySums Transformer::train_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                                          Workspace& workspace, const GradientReady& ready) const {
  if (shard.labels.empty()) {  // the last batch of an epoch may not fill all shards
    std::fill_n(context.gradients.base, parameters_.size(), 0.0f);
    ready(0, parameters_.size());
    return {};
  }
  auto& w = static_cast<TransformerWorkspace&>(workspace);
  const Layouts layouts = layouts_of(shard);
  reserve(layouts, shard, true, w);
  const Tensor memory = encode(context, layouts.encoder_self, shard.source, w);
  const Tensor states = decode(context, layouts, shard.target_input, memory, w);
  const Tensor gradient = w.arena_.allocate(states.shape);
  const Tensor memory_gradient = w.arena_.allocate(memory.shape);
  CrossEntropySums sums = w.loss_(context, states, output_, shard.labels, label_smoothing, gradient);
  if (!config_.tie_output) ready(output_.offset, parameters_.size());
  decoder_backward(context, layouts, shard, memory, w, gradient, memory_gradient, ready);
  encoder_backward(context, layouts, shard, w, memory_gradient, ready);
  return sums;
}

void Transformer::decoder_backward(const StepContext& context, const Layouts& layouts, const Shard& shard,
                                   const Tensor& memory, TransformerWorkspace& w, Tensor gradient,
                                   const Tensor& memory_gradient, const GradientReady& ready) const {
  Arena& arena = w.arena_;
  const size_t mark = arena.mark();
  Tensor other = arena.allocate(gradient.shape);  // layers take a gradient in one and leave theirs in the other
  for (size_t i = decoder_.size(); i-- > 0;) {
    auto& a = w.decoder_[i];
    const Tensor input = i == 0 ? w.target_embedded_ : w.decoder_[i - 1].feed_forward.end.output;
    decoder_[i].feed_forward.backward(context, arena, a.cross_attention.end.output, a.feed_forward, gradient, other);
    decoder_[i].cross_attention.backward(context, arena, layouts.cross, a.self_attention.end.output, memory,
                                         a.cross_attention, other, gradient, memory_gradient,
                                         i + 1 == decoder_.size() ? Store::kReplace : Store::kAdd);
    decoder_[i].self_attention.backward(context, arena, layouts.decoder_self, input, {}, a.self_attention, gradient,
                                        other, {}, Store::kReplace);
    std::swap(gradient, other);
    ready(decoder_begin_[i], decoder_begin_[i + 1]);
  }
  const float scale = std::sqrt(static_cast<float>(config_.embedding_size));
  const int32_t pad = static_cast<int32_t>(config_.target_vocabulary - 1);
  const Tensor table_gradient = context.gradients[target_embedding_];
  embedding_backward(context.executor, shard.target_input.tokens, gradient, scale,
                     context.dropout_of(config_.dropout, target_dropout_layer_), pad, !config_.tie_output,
                     table_gradient);
  if (config_.tie_output) std::fill_n(table_gradient.row_range(pad, 1).f32(), config_.embedding_size, 0.0f);
  if (!config_.shared_vocabulary) ready(target_embedding_.offset, encoder_begin_.front());
  arena.release(mark);
}

void Transformer::encoder_backward(const StepContext& context, const Layouts& layouts, const Shard& shard,
                                   TransformerWorkspace& w, Tensor gradient, const GradientReady& ready) const {
  Arena& arena = w.arena_;
  const size_t mark = arena.mark();
  Tensor other = arena.allocate(gradient.shape);
  for (size_t i = encoder_.size(); i-- > 0;) {
    auto& a = w.encoder_[i];
    const Tensor input = i == 0 ? w.source_embedded_ : w.encoder_[i - 1].feed_forward.end.output;
    encoder_[i].feed_forward.backward(context, arena, a.self_attention.end.output, a.feed_forward, gradient, other);
    encoder_[i].self_attention.backward(context, arena, layouts.encoder_self, input, {}, a.self_attention, other,
                                        gradient, {}, Store::kReplace);
    ready(encoder_begin_[i], encoder_begin_[i + 1]);
  }
  const float scale = std::sqrt(static_cast<float>(config_.embedding_size));
  embedding_backward(context.executor, shard.source.tokens, gradient, scale,
                     context.dropout_of(config_.dropout, source_dropout_layer_),
                     static_cast<int32_t>(config_.source_vocabulary - 1), !config_.shared_vocabulary,
                     context.gradients[source_embedding_]);
  ready(source_embedding_.offset, config_.shared_vocabulary ? encoder_begin_.front() : target_embedding_.offset);
  arena.release(mark);
}

}  // namespace podium
