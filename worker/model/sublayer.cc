#include "worker/model/sublayer.h"

namespace podium {

LayerNormParameters add_layer_norm(ParameterSet& parameters, const std::string& name, int64_t width) {
  LayerNormParameters norm;
  norm.gamma = parameters.add(name + ".weight", {width}, Initializer::kOnes);
  norm.beta = parameters.add(name + ".bias", {width}, Initializer::kZeros);
  return norm;
}

void SublayerEndActivations::plan(Arena& arena, int64_t rows, int64_t width) {
  sum = arena.allocate({rows, width});
  output = arena.allocate({rows, width});
  mean = arena.allocate({rows});
  rstd = arena.allocate({rows});
}

void sublayer_end_forward(const StepContext& context, const SublayerEnd& end, const SublayerOptions& options,
                          const ParameterRef& bias, const Tensor& residual, SublayerEndActivations& a) {
  ResidualLayerNorm arguments;
  arguments.x = a.sum;
  arguments.bias = context.weights[bias];
  arguments.residual = residual;
  arguments.gamma = context.weights[end.norm.gamma];
  arguments.beta = context.weights[end.norm.beta];
  arguments.dropout = context.dropout_of(options.dropout, end.dropout_layer);
  arguments.epsilon = options.epsilon;
  arguments.sum = a.sum;
  arguments.normalized = a.output;
  arguments.mean = a.mean;
  arguments.rstd = a.rstd;
  residual_layer_norm_forward(context.executor, arguments);
}

void sublayer_end_backward(const StepContext& context, const SublayerEnd& end, const SublayerOptions& options,
                           const ParameterRef& bias, const SublayerEndActivations& a, const Tensor& gradient,
                           const Tensor& residual_gradient, Store store) {
  ResidualLayerNormBackward arguments;
  arguments.normalized_gradient = gradient;
  arguments.sum = a.sum;
  arguments.mean = a.mean;
  arguments.rstd = a.rstd;
  arguments.gamma = context.weights[end.norm.gamma];
  arguments.dropout = context.dropout_of(options.dropout, end.dropout_layer);
  arguments.add_to_sum_gradient = store == Store::kAdd;
  arguments.sum_gradient = residual_gradient;
  arguments.x_gradient = gradient;
  arguments.gamma_gradient = context.gradients[end.norm.gamma];
  arguments.beta_gradient = context.gradients[end.norm.beta];
  arguments.bias_gradient = context.gradients[bias];
  residual_layer_norm_backward(context.executor, arguments);
}

}  // namespace podium
