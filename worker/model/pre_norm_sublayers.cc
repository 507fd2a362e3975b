#include "worker/model/pre_norm_sublayers.h"

#include <cmath>

namespace podium {
namespace {

Linear add_conv1d(ParameterSet& parameters, const std::string& name, int64_t inputs, int64_t outputs, float factor) {
  Linear linear;
  linear.input_major = true;
  linear.weight = parameters.add(name + ".weight", {inputs, outputs}, Initializer::kNormal, -1, factor);
  linear.bias = parameters.add(name + ".bias", {outputs}, Initializer::kZeros);
  return linear;
}

HeadsView columns_from(const Tensor& tensor, int64_t column) { return {tensor.f32() + column, tensor.columns()}; }

}  // namespace

CausalAttention::CausalAttention(ParameterSet& parameters, const std::string& name, const SublayerOptions& options,
                                 float output_factor, uint32_t& dropout_layers)
    : options_(options),
      projection_(add_conv1d(parameters, name + ".c_attn", options.width, 3 * options.width, 1)),
      out_(add_conv1d(parameters, name + ".c_proj", options.width, options.width, output_factor)),
      probability_dropout_layer_(dropout_layers++) {}

void CausalAttention::plan(Arena& arena, const AttentionLayout& layout, int64_t rows, bool backward,
                           CausalAttentionActivations& a) const {
  a.projected = arena.allocate({rows, 3 * options_.width});
  a.probabilities = backward ? arena.allocate({attention_probabilities_size(layout, options_.heads)}) : Tensor();
  a.context = arena.allocate({rows, options_.width});
}

void CausalAttention::forward(const StepContext& context, const AttentionLayout& layout, const Tensor& input,
                              CausalAttentionActivations& a, const Tensor& product) const {
  project(context, input, a);
  attend(context, layout, columns_from(a.projected, options_.width), a, product);
}

void CausalAttention::project(const StepContext& context, const Tensor& input, CausalAttentionActivations& a) const {
  linear_product(context, projection_, input, a.projected);
  bias_add(context.executor, context.weights[projection_.bias], a.projected);
}

void CausalAttention::attend(const StepContext& context, const AttentionLayout& layout, HeadsView keys_values,
                             CausalAttentionActivations& a, const Tensor& product) const {
  const HeadsView values{keys_values.data + options_.width, keys_values.row_stride};
  attention_forward(context.executor, layout, options_.heads, head_size(), scale(), columns_from(a.projected, 0),
                    keys_values, values, probability_dropout(context), a.probabilities, columns_from(a.context, 0));
  linear_product(context, out_, a.context, product);
}

void CausalAttention::backward(const StepContext& context, Arena& scratch, const AttentionLayout& layout,
                               const Tensor& input, CausalAttentionActivations& a, const Tensor& gradient,
                               const Tensor& input_gradient) const {
  const int64_t width = options_.width;
  const size_t mark = scratch.mark();
  linear_weight_gradient(context, out_, a.context, gradient);
  const Tensor context_gradient = scratch.allocate(a.context.shape);
  linear_input_gradient(context, out_, gradient, context_gradient, Store::kReplace);
  const Tensor projected_gradient = scratch.allocate(a.projected.shape);
  attention_backward(context.executor, layout, options_.heads, head_size(), scale(), columns_from(a.projected, 0),
                     columns_from(a.projected, width), columns_from(a.projected, 2 * width),
                     probability_dropout(context), a.probabilities, columns_from(context_gradient, 0),
                     columns_from(projected_gradient, 0), columns_from(projected_gradient, width),
                     columns_from(projected_gradient, 2 * width));
  linear_weight_gradient(context, projection_, input, projected_gradient);
  bias_backward(context.executor, projected_gradient, context.gradients[projection_.bias]);
  linear_input_gradient(context, projection_, projected_gradient, input_gradient, Store::kReplace);
  scratch.release(mark);
}

float CausalAttention::scale() const { return 1.0f / std::sqrt(static_cast<float>(head_size())); }

Dropout CausalAttention::probability_dropout(const StepContext& context) const {
  return context.dropout_of(options_.attention_dropout, probability_dropout_layer_);
}

PreNormFeedForward::PreNormFeedForward(ParameterSet& parameters, const std::string& name,
                                       const SublayerOptions& options, int64_t hidden_size, Activation activation,
                                       float output_factor)
    : hidden_size_(hidden_size),
      activation_(activation),
      in_(add_conv1d(parameters, name + ".c_fc", options.width, hidden_size, 1)),
      out_(add_conv1d(parameters, name + ".c_proj", hidden_size, options.width, output_factor)) {}

void PreNormFeedForward::plan(Arena& arena, int64_t rows, PreNormFeedForwardActivations& a) const {
  a.preactivation = arena.allocate({rows, hidden_size_});
  a.hidden = arena.allocate({rows, hidden_size_});
}

void PreNormFeedForward::forward(const StepContext& context, const Tensor& input, PreNormFeedForwardActivations& a,
                                 const Tensor& product) const {
  linear_product(context, in_, input, a.preactivation);
  bias_activation_forward(context.executor, activation_, context.weights[in_.bias], a.preactivation, a.hidden);
  linear_product(context, out_, a.hidden, product);
}

void PreNormFeedForward::backward(const StepContext& context, Arena& scratch, const Tensor& input,
                                  PreNormFeedForwardActivations& a, const Tensor& gradient,
                                  const Tensor& input_gradient) const {
  const size_t mark = scratch.mark();
  linear_weight_gradient(context, out_, a.hidden, gradient);
  const Tensor hidden_gradient = scratch.allocate(a.hidden.shape);
  linear_input_gradient(context, out_, gradient, hidden_gradient, Store::kReplace);
  activation_backward(context.executor, activation_, a.preactivation, hidden_gradient, hidden_gradient);
  linear_weight_gradient(context, in_, input, hidden_gradient);
  bias_backward(context.executor, hidden_gradient, context.gradients[in_.bias]);
  linear_input_gradient(context, in_, hidden_gradient, input_gradient, Store::kReplace);
  scratch.release(mark);
}

}  // namespace podium
