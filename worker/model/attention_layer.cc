#include "worker/model/attention_layer.h"

#include <array>
#include <cmath>

#include "worker/kernels/linear_epilogue.h"

namespace podium {

AttentionLayer::AttentionLayer(ParameterSet& parameters, Kind kind, const AttentionNames& names, std::string observed,
                               const SublayerOptions& options, uint32_t& dropout_layers)
    : kind_(kind), observed_(std::move(observed)), options_(options) {
  const int64_t width = options.width;
  const std::array<std::string, 3> weights = {names.query + ".weight", names.key + ".weight", names.value + ".weight"};
  const std::array<std::string, 3> biases = {names.query + ".bias", names.key + ".bias", names.value + ".bias"};
  if (kind == Kind::kSelf) {
    query_.weight = parameters.add_stacked(weights, {width, width}, Initializer::kXavierUniform);
    query_.bias = parameters.add_stacked(biases, {width}, Initializer::kZeros);
  } else {
    query_ = add_linear(parameters, names.query, width, width);
    key_value_.weight =
        parameters.add_stacked(std::span(weights).subspan(1), {width, width}, Initializer::kXavierUniform);
    key_value_.bias = parameters.add_stacked(std::span(biases).subspan(1), {width}, Initializer::kZeros);
  }
  out_ = add_linear(parameters, names.output, width, width);
  end_.norm = add_layer_norm(parameters, names.norm, width);
  probability_dropout_layer_ = dropout_layers++;
  end_.dropout_layer = dropout_layers++;
}

void AttentionLayer::plan(Arena& arena, const AttentionLayout& layout, int64_t rows, int64_t memory_rows, bool backward,
                          AttentionActivations& a) const {
  const int64_t width = options_.width;
  a.query = arena.allocate({rows, kind_ == Kind::kSelf ? 3 * width : width});
  if (kind_ == Kind::kCross) a.key_value = arena.allocate({memory_rows, 2 * width});
  a.probabilities = backward ? arena.allocate({attention_probabilities_size(layout, options_.heads)}) : Tensor();
  a.context = arena.allocate({rows, width});
  a.end.plan(arena, rows, width);
}

void AttentionLayer::forward(const StepContext& context, const AttentionLayout& layout, const Tensor& input,
                             const Tensor& memory, AttentionActivations& a) const {
  linear_product(context, query_, input, a.query);
  bias_add(context.executor, context.weights[query_.bias], a.query);
  if (kind_ == Kind::kCross) {
    linear_product(context, key_value_, memory, a.key_value);
    bias_add(context.executor, context.weights[key_value_.bias], a.key_value);
  }
  attention_forward(context.executor, layout, options_.heads, static_cast<int>(head_size()), scale(), queries(a),
                    keys(a), values(a), probability_dropout(context), a.probabilities,
                    {a.context.f32(), options_.width});
  context.observe(observed_, ".context", a.context);
  finish(context, input, a);
}

void AttentionLayer::finish(const StepContext& context, const Tensor& residual, AttentionActivations& a) const {
  linear_product(context, out_, a.context, a.end.sum);
  sublayer_end_forward(context, end_, options_, out_.bias, residual, a.end);
  context.observe(observed_, ".output", a.end.output);
}

void AttentionLayer::backward(const StepContext& context, Arena& scratch, const AttentionLayout& layout,
                              const Tensor& input, const Tensor& memory, AttentionActivations& a,
                              const Tensor& gradient, const Tensor& input_gradient, const Tensor& memory_gradient,
                              Store memory_store) const {
  const int64_t width = options_.width;
  const size_t mark = scratch.mark();
  sublayer_end_backward(context, end_, options_, out_.bias, a.end, gradient, input_gradient);
  linear_weight_gradient(context, out_, a.context, gradient);
  Tensor context_gradient = scratch.allocate({input.rows(), width});
  linear_input_gradient(context, out_, gradient, context_gradient, Store::kReplace);

  AttentionActivations g;  // gradients, laid out as the activations are
  g.query = scratch.allocate(a.query.shape);
  if (kind_ == Kind::kCross) g.key_value = scratch.allocate(a.key_value.shape);
  attention_backward(context.executor, layout, options_.heads, static_cast<int>(head_size()), scale(), queries(a),
                     keys(a), values(a), probability_dropout(context), a.probabilities, {context_gradient.f32(), width},
                     queries(g), keys(g), values(g));

  linear_weight_gradient(context, query_, input, g.query);
  bias_backward(context.executor, g.query, context.gradients[query_.bias]);
  linear_input_gradient(context, query_, g.query, input_gradient, Store::kAdd);
  if (kind_ == Kind::kCross) {
    linear_weight_gradient(context, key_value_, memory, g.key_value);
    bias_backward(context.executor, g.key_value, context.gradients[key_value_.bias]);
    linear_input_gradient(context, key_value_, g.key_value, memory_gradient, memory_store);
  }
  scratch.release(mark);
}

float AttentionLayer::scale() const { return 1.0f / std::sqrt(static_cast<float>(head_size())); }

HeadsView AttentionLayer::queries(const AttentionActivations& a) const { return {a.query.f32(), a.query.columns()}; }

HeadsView AttentionLayer::keys(const AttentionActivations& a) const {
  if (kind_ == Kind::kCross) return {a.key_value.f32(), a.key_value.columns()};
  return {a.query.f32() + options_.width, a.query.columns()};
}

HeadsView AttentionLayer::values(const AttentionActivations& a) const {
  HeadsView view = keys(a);
  view.data += options_.width;
  return view;
}

Dropout AttentionLayer::probability_dropout(const StepContext& context) const {
  return context.dropout_of(options_.attention_dropout, probability_dropout_layer_);
}

}  // namespace podium
