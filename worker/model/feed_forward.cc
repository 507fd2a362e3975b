#include "worker/model/feed_forward.h"

namespace podium {

FeedForward::FeedForward(ParameterSet& parameters, const FeedForwardNames& names, std::string observed,
                         const SublayerOptions& options, int64_t hidden_size, Activation activation,
                         uint32_t& dropout_layers)
    : observed_(std::move(observed)), options_(options), hidden_size_(hidden_size), activation_(activation) {
  fc1_ = add_linear(parameters, names.fc1, options.width, hidden_size);
  fc2_ = add_linear(parameters, names.fc2, hidden_size, options.width);
  end_.norm = add_layer_norm(parameters, names.norm, options.width);
  activation_dropout_layer_ = dropout_layers++;
  end_.dropout_layer = dropout_layers++;
}

void FeedForward::plan(Arena& arena, int64_t rows, FeedForwardActivations& a) const {
  a.preactivation = arena.allocate({rows, hidden_size_});
  a.hidden = arena.allocate({rows, hidden_size_});
  a.end.plan(arena, rows, options_.width);
}

void FeedForward::forward(const StepContext& context, const Tensor& input, FeedForwardActivations& a) const {
  linear_product(context, fc1_, input, a.preactivation);
  bias_activation_forward(context.executor, activation_, context.weights[fc1_.bias], a.preactivation, a.hidden);
  Dropout drop = context.dropout_of(options_.activation_dropout, activation_dropout_layer_);
  if (drop.active()) dropout(context.executor, drop, a.hidden, a.hidden);
  context.observe(observed_, ".hidden", a.hidden);
  linear_product(context, fc2_, a.hidden, a.end.sum);
  sublayer_end_forward(context, end_, options_, fc2_.bias, input, a.end);
}

void FeedForward::backward(const StepContext& context, Arena& scratch, const Tensor& input, FeedForwardActivations& a,
                           const Tensor& gradient, const Tensor& input_gradient) const {
  const size_t mark = scratch.mark();
  sublayer_end_backward(context, end_, options_, fc2_.bias, a.end, gradient, input_gradient);
  linear_weight_gradient(context, fc2_, a.hidden, gradient);
  Tensor hidden_gradient = scratch.allocate(a.hidden.shape);
  linear_input_gradient(context, fc2_, gradient, hidden_gradient, Store::kReplace);
  Dropout drop = context.dropout_of(options_.activation_dropout, activation_dropout_layer_);
  if (drop.active()) dropout(context.executor, drop, hidden_gradient, hidden_gradient);
  activation_backward(context.executor, activation_, a.preactivation, hidden_gradient, hidden_gradient);
  linear_weight_gradient(context, fc1_, input, hidden_gradient);
  bias_backward(context.executor, hidden_gradient, context.gradients[fc1_.bias]);
  linear_input_gradient(context, fc1_, hidden_gradient, input_gradient, Store::kAdd);
  scratch.release(mark);
}

}  // namespace podium
