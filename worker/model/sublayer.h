// What ends every sublayer: bias, dropout, residual connection, layer normalisation. In a post-norm transformer the
// normalisation is the sublayer's own; in a pre-norm one it is what the next sublayer begins with.
#pragma once

#include <string>

#include "worker/kernels/layer_norm.h"
#include "worker/model/linear.h"
#include "worker/tensor/arena.h"

namespace podium {

struct LayerNormParameters {
  ParameterRef gamma, beta;
};
LayerNormParameters add_layer_norm(ParameterSet& parameters, const std::string& name, int64_t width);

// The end of every sublayer: output = LayerNorm(residual + dropout(x + bias)).
struct SublayerEnd {
  LayerNormParameters norm;
  uint32_t dropout_layer = 0;
};
struct SublayerEndActivations {
  Tensor sum, output;  // (R,D); the sublayer's last product is computed into sum
  Tensor mean, rstd;   // (R)
  void plan(Arena& arena, int64_t rows, int64_t width);
};
struct SublayerOptions {
  int64_t width = 0;
  int heads = 0;
  float dropout = 0, attention_dropout = 0, activation_dropout = 0;
  float epsilon = 1e-5f;
};
void sublayer_end_forward(const StepContext& context, const SublayerEnd& end, const SublayerOptions& options,
                          const ParameterRef& bias, const Tensor& residual, SublayerEndActivations& activations);
// gradient (R,D): in, of the output; out, of the last product's result. residual_gradient (R,D) is replaced, or added
// to: the pre-norm stream of residuals, which later sublayers have read too.
void sublayer_end_backward(const StepContext& context, const SublayerEnd& end, const SublayerOptions& options,
                           const ParameterRef& bias, const SublayerEndActivations& activations, const Tensor& gradient,
                           const Tensor& residual_gradient, Store store = Store::kReplace);

}  // namespace podium
