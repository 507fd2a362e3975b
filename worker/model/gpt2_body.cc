#include <algorithm>
#include <cmath>

#include "worker/kernels/embedding.h"
#include "worker/model/gpt2.h"

namespace podium {
namespace {

SublayerOptions sublayer_options(const Gpt2Config& config) {
  SublayerOptions options;
  options.width = config.embedding_size;
  options.heads = config.heads;
  options.dropout = config.dropout;
  options.attention_dropout = config.attention_dropout;
  options.epsilon = config.epsilon;
  return options;
}

}  // namespace

Gpt2Body::Gpt2Body(ParameterSet& parameters, const Gpt2Config& config, uint32_t& dropout_layers)
    : config_(config), options_(sublayer_options(config)) {
  const int64_t width = config.embedding_size;
  if (config.heads < 1 || width % config.heads != 0)
    throw Error("model.embedding_size {} is not a multiple of model.heads {}", width, config.heads);
  tokens_ = parameters.add("transformer.wte.weight", {config.vocabulary, width}, Initializer::kNormal);
  positions_ = parameters.add("transformer.wpe.weight", {config.maximum_positions, width}, Initializer::kNormal);
  embedding_dropout_layer_ = dropout_layers++;
  // Radford et al. 2019, 2.3: what is added to the stream begins smaller, the more layers add to it.
  const float output_factor = 1.0f / std::sqrt(2.0f * static_cast<float>(config.layers));
  uint32_t dropout_before = 0;  // none before the first norm
  auto add_norm = [&](const std::string& name) {
    norms_.push_back({add_layer_norm(parameters, name, width), dropout_before});
  };
  for (int i = 0; i < config.layers; ++i) {
    const std::string layer = fmt::format("transformer.h.{}", i);
    begin_.push_back(parameters.size());
    add_norm(layer + ".ln_1");
    CausalAttention attention(parameters, layer + ".attn", options_, output_factor, dropout_layers);
    dropout_before = dropout_layers++;
    add_norm(layer + ".ln_2");
    blocks_.push_back(
        {std::move(attention), PreNormFeedForward(parameters, layer + ".mlp", options_, config.feed_forward_size,
                                                  config.activation, output_factor)});
    dropout_before = dropout_layers++;
  }
  begin_.push_back(parameters.size());
  add_norm("transformer.ln_f");
  end_ = parameters.size();
}

AttentionLayout Gpt2Body::layout_of(const PackedSequences& sequences) {
  return {sequences.begin, sequences.length, sequences.begin, sequences.length, true};
}

void Gpt2Body::plan(Arena& arena, const PackedSequences& sequences, bool backward, Gpt2Activations& a) const {
  const int64_t rows = sequences.rows();
  const AttentionLayout layout = layout_of(sequences);
  a.embedded = arena.allocate({rows, config_.embedding_size});
  a.norms.resize(norms_.size());
  a.attention.resize(blocks_.size());
  a.feed_forward.resize(blocks_.size());
  for (size_t k = 0; k < norms_.size(); ++k) {
    // Without a backward pass two take turns: a sum is read once more, when the next is made.
    if (k > 1 && !backward)
      a.norms[k] = a.norms[k - 2];
    else
      a.norms[k].plan(arena, rows, config_.embedding_size);
  }
  for (size_t i = 0; i < blocks_.size(); ++i) {
    if (i > 0 && !backward) {
      a.attention[i] = a.attention[0];
      a.feed_forward[i] = a.feed_forward[0];
      continue;
    }
    blocks_[i].attention.plan(arena, layout, rows, backward, a.attention[i]);
    blocks_[i].feed_forward.plan(arena, rows, a.feed_forward[i]);
  }
}

void Gpt2Body::plan_scratch(Arena& arena, int64_t rows) const {
  arena.allocate({rows, config_.embedding_size});  // of the stream
  arena.allocate({rows, std::max(config_.feed_forward_size, 4 * config_.embedding_size)});
}

const ParameterRef& Gpt2Body::bias_before(size_t k) const {
  const Block& block = blocks_[(k - 1) / 2];
  return k % 2 == 1 ? block.attention.bias() : block.feed_forward.bias();
}

Tensor Gpt2Body::embed(const StepContext& context, std::span<const int32_t> tokens, std::span<const int32_t> positions,
                       const Tensor& y) const {
  embedding_forward(context.executor, tokens, positions, context.weights[tokens_], context.weights[positions_], 1,
                    context.dropout_of(config_.dropout, embedding_dropout_layer_), y);
  return y;
}

void Gpt2Body::end_sublayer(const StepContext& context, size_t k, const Tensor& residual,
                            SublayerEndActivations& a) const {
  if (k > 0) return sublayer_end_forward(context, norms_[k], options_, bias_before(k), residual, a);
  ResidualLayerNorm arguments;
  arguments.residual = residual;
  arguments.gamma = context.weights[norms_[0].norm.gamma];
  arguments.beta = context.weights[norms_[0].norm.beta];
  arguments.epsilon = options_.epsilon;
  arguments.sum = a.sum;
  arguments.normalized = a.output;
  arguments.mean = a.mean;
  arguments.rstd = a.rstd;
  residual_layer_norm_forward(context.executor, arguments);
}

Tensor Gpt2Body::forward(const StepContext& context, const PackedSequences& sequences, Gpt2Activations& a) const {
  const AttentionLayout layout = layout_of(sequences);
  const Tensor x = embed(context, sequences.tokens, sequences.position, a.embedded);
  context.observe("transformer", ".embedded", x);
  end_sublayer(context, 0, x, a.norms[0]);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    SublayerEndActivations &before = a.norms[2 * i], &middle = a.norms[2 * i + 1], &after = a.norms[2 * i + 2];
    const Tensor stream = before.sum;
    blocks_[i].attention.forward(context, layout, before.output, a.attention[i], middle.sum);
    end_sublayer(context, 2 * i + 1, stream, middle);
    blocks_[i].feed_forward.forward(context, middle.output, a.feed_forward[i], after.sum);
    end_sublayer(context, 2 * i + 2, middle.sum, after);
    if (context.observer != nullptr) context.observe(fmt::format("transformer.h.{}", i), ".output", after.sum);
  }
  context.observe("transformer", ".ln_f", a.norms.back().output);
  return a.norms.back().output;
}

void Gpt2Body::end_sublayer_backward(const StepContext& context, size_t k, Gpt2Activations& a, const Tensor& gradient,
                                     const Tensor& stream_gradient) const {
  const bool last = k + 1 == norms_.size();
  if (k > 0)
    return sublayer_end_backward(context, norms_[k], options_, bias_before(k), a.norms[k], gradient, stream_gradient,
                                 last ? Store::kReplace : Store::kAdd);
  ResidualLayerNormBackward arguments;
  arguments.normalized_gradient = gradient;
  arguments.sum = a.norms[0].sum;
  arguments.mean = a.norms[0].mean;
  arguments.rstd = a.norms[0].rstd;
  arguments.gamma = context.weights[norms_[0].norm.gamma];
  arguments.add_to_sum_gradient = true;
  arguments.sum_gradient = stream_gradient;
  arguments.gamma_gradient = context.gradients[norms_[0].norm.gamma];
  arguments.beta_gradient = context.gradients[norms_[0].norm.beta];
  residual_layer_norm_backward(context.executor, arguments);
}

void Gpt2Body::block_backward(const StepContext& context, Arena& scratch, const AttentionLayout& layout, size_t i,
                              Gpt2Activations& a, const Tensor& gradient, const Tensor& stream_gradient) const {
  blocks_[i].feed_forward.backward(context, scratch, a.norms[2 * i + 1].output, a.feed_forward[i], gradient, gradient);
  end_sublayer_backward(context, 2 * i + 1, a, gradient, stream_gradient);
  blocks_[i].attention.backward(context, scratch, layout, a.norms[2 * i].output, a.attention[i], gradient, gradient);
  end_sublayer_backward(context, 2 * i, a, gradient, stream_gradient);
}

void Gpt2Body::backward(const StepContext& context, Arena& scratch, const PackedSequences& sequences,
                        Gpt2Activations& a, const Tensor& gradient, bool add_to_table,
                        const GradientReady& ready) const {
  const size_t mark = scratch.mark();
  const Tensor stream_gradient = scratch.allocate(gradient.shape);
  const AttentionLayout layout = layout_of(sequences);
  end_sublayer_backward(context, norms_.size() - 1, a, gradient, stream_gradient);
  ready(begin_.back(), end_);
  for (size_t i = blocks_.size(); i-- > 0;) {
    block_backward(context, scratch, layout, i, a, gradient, stream_gradient);
    ready(begin_[i], begin_[i + 1]);
  }
  embedding_backward(context, sequences, stream_gradient, add_to_table);
  ready(tokens_.offset, begin_.front());
  scratch.release(mark);
}

void Gpt2Body::embedding_backward(const StepContext& context, const PackedSequences& sequences, const Tensor& gradient,
                                  bool add_to_table) const {
  const Dropout drop = context.dropout_of(config_.dropout, embedding_dropout_layer_);
  podium::embedding_backward(context.executor, sequences.tokens, gradient, 1, drop, -1, !add_to_table,
                             context.gradients[tokens_]);
  podium::embedding_backward(context.executor, sequences.position, gradient, 1, drop, -1, true,
                             context.gradients[positions_]);
}

}  // namespace podium
