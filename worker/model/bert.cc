#include "worker/model/bert.h"

#include <algorithm>
#include <cmath>

#include "worker/kernels/embedding.h"
#include "worker/kernels/linear_epilogue.h"

namespace podium {
namespace {

SublayerOptions sublayer_options(const BertConfig& config) {
  SublayerOptions options;
  options.width = config.width;
  options.heads = config.heads;
  options.dropout = config.dropout;
  options.attention_dropout = config.attention_dropout;
  options.epsilon = config.epsilon;
  return options;
}

}  // namespace

BertClassifier::BertClassifier(const BertConfig& config, ClassifierLabels names_and_loss)
    : TextClassifier(std::move(names_and_loss)), config_(config) {
  if (config.heads < 1 || config.width % config.heads != 0)
    throw Error("model.embedding_size {} is not a multiple of model.heads {}", config.width, config.heads);
  uint32_t dropout_layers = 0;
  add_embeddings(dropout_layers);
  for (int i = 0; i < config.layers; ++i) add_layer(i, dropout_layers);
  layer_begin_.push_back(parameters_.size());
  pooler_ = add_linear(parameters_, "bert.pooler.dense", config.width, config.width);
  head_begin_ = parameters_.size();
  const ClassificationHeadOptions head{.name = "classifier",
                                       .width = config.width,
                                       .labels = std::ssize(labels().names),
                                       .bias = true,
                                       .dropout = config.classifier_dropout};
  head_ = std::make_unique<ClassificationHead>(parameters_, head, labels().loss, dropout_layers);
}

void BertClassifier::add_embeddings(uint32_t& dropout_layers) {
  const std::string prefix = "bert.embeddings.";
  words_ = parameters_.add(prefix + "word_embeddings.weight", {config_.vocabulary, config_.width}, Initializer::kNormal,
                           config_.pad_id);
  positions_ = parameters_.add(prefix + "position_embeddings.weight", {config_.maximum_positions, config_.width},
                               Initializer::kNormal);
  types_ = parameters_.add(prefix + "token_type_embeddings.weight", {config_.token_types, config_.width},
                           Initializer::kNormal);
  embedding_norm_ = add_layer_norm(parameters_, prefix + "LayerNorm", config_.width);
  embedding_dropout_layer_ = dropout_layers++;
}

void BertClassifier::add_layer(int index, uint32_t& dropout_layers) {
  const std::string observed = fmt::format("encoder.layer.{}", index), layer = "bert." + observed;
  const std::string self = layer + ".attention.self", output = layer + ".attention.output";
  const SublayerOptions options = sublayer_options(config_);
  layer_begin_.push_back(parameters_.size());
  AttentionLayer attention(parameters_, AttentionLayer::Kind::kSelf,
                           {self + ".query", self + ".key", self + ".value", output + ".dense", output + ".LayerNorm"},
                           observed + ".attention", options, dropout_layers);
  FeedForward feed_forward(
      parameters_, {layer + ".intermediate.dense", layer + ".output.dense", layer + ".output.LayerNorm"},
      observed + ".feed_forward", options, config_.feed_forward_size, config_.activation, dropout_layers);
  layers_.push_back({std::move(attention), std::move(feed_forward)});
}

std::string BertClassifier::sizes() const {
  return fmt::format("BERT of {} layers, {}/{}/{}", config_.layers, config_.width, config_.feed_forward_size,
                     config_.heads);
}

AttentionLayout BertClassifier::layout_of(const PackedSequences& texts) {
  return {texts.begin, texts.length, texts.begin, texts.length, false};
}

void BertClassifier::plan_body(const PackedSequences& texts, bool backward, Arena& arena, Workspace& workspace) const {
  auto& w = static_cast<BertWorkspace&>(workspace);
  const int64_t rows = texts.rows(), width = config_.width;
  const AttentionLayout layout = layout_of(texts);
  w.sum_ = arena.allocate({rows, width});
  w.embedded_ = arena.allocate({rows, width});
  w.mean_ = arena.allocate({rows});
  w.rstd_ = arena.allocate({rows});
  w.first_ = arena.allocate({texts.count(), width});
  w.layers_.resize(layers_.size());
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (i > 0 && !backward) {
      // One layer's memory serves all: a layer has read the output of the one before when it writes its own.
      w.layers_[i] = w.layers_[0];
      continue;
    }
    layers_[i].attention.plan(arena, layout, rows, 0, backward, w.layers_[i].attention);
    layers_[i].feed_forward.plan(arena, rows, w.layers_[i].feed_forward);
  }
  if (!backward) return;
  w.first_gradient_ = arena.allocate({texts.count(), width});
  if (!arena.measures()) return;
  // The backward pass's own: a gradient in, a gradient out, and the widest layer's scratch.
  for (int i = 0; i < 3; ++i) arena.allocate({rows, width});
  arena.allocate({rows, std::max(config_.feed_forward_size, 3 * width)});
}

void BertClassifier::embed(const StepContext& context, const PackedSequences& texts, BertWorkspace& w) const {
  embedding_forward(context.executor, texts.tokens, texts.position, context.weights[words_],
                    context.weights[positions_], 1, {}, w.sum_);
  bias_add(context.executor, context.weights[types_].row_range(0, 1), w.sum_);
  ResidualLayerNorm norm;
  norm.residual = w.sum_;
  norm.gamma = context.weights[embedding_norm_.gamma];
  norm.beta = context.weights[embedding_norm_.beta];
  norm.epsilon = config_.epsilon;
  norm.normalized = w.embedded_;
  norm.mean = w.mean_;
  norm.rstd = w.rstd_;
  residual_layer_norm_forward(context.executor, norm);
  const Dropout drop = context.dropout_of(config_.dropout, embedding_dropout_layer_);
  if (drop.active()) dropout(context.executor, drop, w.embedded_, w.embedded_);
  context.observe("embeddings", ".output", w.embedded_);
}

void BertClassifier::embed_backward(const StepContext& context, const PackedSequences& texts, const BertWorkspace& w,
                                    const Tensor& gradient, const Tensor& sum_gradient) const {
  const Dropout drop = context.dropout_of(config_.dropout, embedding_dropout_layer_);
  if (drop.active()) dropout(context.executor, drop, gradient, gradient);
  ResidualLayerNormBackward norm;
  norm.normalized_gradient = gradient;
  norm.sum = w.sum_;
  norm.mean = w.mean_;
  norm.rstd = w.rstd_;
  norm.gamma = context.weights[embedding_norm_.gamma];
  norm.sum_gradient = sum_gradient;
  norm.gamma_gradient = context.gradients[embedding_norm_.gamma];
  norm.beta_gradient = context.gradients[embedding_norm_.beta];
  residual_layer_norm_backward(context.executor, norm);
  embedding_backward(context.executor, texts.tokens, sum_gradient, 1, {}, config_.pad_id, true,
                     context.gradients[words_]);
  embedding_backward(context.executor, texts.position, sum_gradient, 1, {}, -1, true, context.gradients[positions_]);
  const Tensor types = context.gradients[types_];
  std::fill_n(types.f32(), types.size(), 0.0f);
  bias_backward(context.executor, sum_gradient, types.row_range(0, 1));
}

void BertClassifier::pool(const StepContext& context, const PackedSequences& texts, const Tensor& states,
                          BertWorkspace& w, const Tensor& features) const {
  for (int64_t i = 0; i < texts.count(); ++i)
    std::copy_n(states.row_range(texts.begin[static_cast<size_t>(i)], 1).f32(), config_.width,
                w.first_.row_range(i, 1).f32());
  linear_product(context, pooler_, w.first_, features);
  bias_add(context.executor, context.weights[pooler_.bias], features);
  // In double, whose rounding hides what different libraries' tanh differ by.
  std::transform(features.f32(), features.f32() + features.size(), features.f32(),
                 [](float x) { return static_cast<float>(std::tanh(static_cast<double>(x))); });
  context.observe("pooler", ".output", features);
}

void BertClassifier::pool_backward(const StepContext& context, const PackedSequences& texts, BertWorkspace& w,
                                   const Tensor& features, const Tensor& gradient,
                                   const Tensor& states_gradient) const {
  const float* tanh = features.f32();
  float* values = gradient.f32();
  for (int64_t i = 0; i < gradient.size(); ++i) values[i] *= 1 - tanh[i] * tanh[i];
  linear_weight_gradient(context, pooler_, w.first_, gradient);
  bias_backward(context.executor, gradient, context.gradients[pooler_.bias]);
  linear_input_gradient(context, pooler_, gradient, w.first_gradient_, Store::kReplace);
  std::fill_n(states_gradient.f32(), states_gradient.size(), 0.0f);
  for (int64_t i = 0; i < texts.count(); ++i)
    std::copy_n(w.first_gradient_.row_range(i, 1).f32(), config_.width,
                states_gradient.row_range(texts.begin[static_cast<size_t>(i)], 1).f32());
}

void BertClassifier::features(const StepContext& context, const PackedSequences& texts, Workspace& workspace,
                              const Tensor& features) const {
  auto& w = static_cast<BertWorkspace&>(workspace);
  const AttentionLayout layout = layout_of(texts);
  embed(context, texts, w);
  Tensor x = w.embedded_;
  for (size_t i = 0; i < layers_.size(); ++i) {
    auto& a = w.layers_[i];
    layers_[i].attention.forward(context, layout, x, {}, a.attention);
    layers_[i].feed_forward.forward(context, a.attention.end.output, a.feed_forward);
    x = a.feed_forward.end.output;
    if (context.observer != nullptr) context.observe(fmt::format("encoder.layer.{}", i), ".output", x);
  }
  pool(context, texts, x, w, features);
}

void BertClassifier::features_backward(const StepContext& context, const PackedSequences& texts, Workspace& workspace,
                                       Arena& scratch, const Tensor& features, const Tensor& features_gradient,
                                       const GradientReady& ready) const {
  auto& w = static_cast<BertWorkspace&>(workspace);
  const AttentionLayout layout = layout_of(texts);
  const size_t mark = scratch.mark();
  const Tensor gradient = scratch.allocate(w.embedded_.shape), other = scratch.allocate(w.embedded_.shape);
  pool_backward(context, texts, w, features, features_gradient, gradient);
  ready(layer_begin_.back(), head_begin_);
  for (size_t i = layers_.size(); i-- > 0;) {
    auto& a = w.layers_[i];
    const Tensor input = i == 0 ? w.embedded_ : w.layers_[i - 1].feed_forward.end.output;
    layers_[i].feed_forward.backward(context, scratch, a.attention.end.output, a.feed_forward, gradient, other);
    layers_[i].attention.backward(context, scratch, layout, input, {}, a.attention, other, gradient, {},
                                  Store::kReplace);
    ready(layer_begin_[i], layer_begin_[i + 1]);
  }
  embed_backward(context, texts, w, gradient, other);
  ready(0, layer_begin_.front());
  scratch.release(mark);
}

}  // namespace podium
