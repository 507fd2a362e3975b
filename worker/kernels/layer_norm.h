// A sublayer's end: bias, dropout, residual connection and layer normalisation in one pass (Ba et al. 2016).
#pragma once

#include "worker/kernels/dropout.h"
#include "worker/kernels/executor.h"
#include "worker/tensor/tensor.h"

namespace podium {

// sum = residual + dropout(x + bias); normalized = (sum - mean) · rstd · gamma + beta, per row.
// x, residual, sum, normalized: (R,D); bias, gamma, beta: (D); mean, rstd: (R), kept for the backward pass (both may be
// empty when there is none). x and bias may be empty: sum = residual, and then sum itself may be empty. sum may be x or
// residual.
struct ResidualLayerNorm {
  Tensor x, bias, residual, gamma, beta;
  Dropout dropout;
  float epsilon = 1e-5f;
  Tensor sum, normalized, mean, rstd;
};
void residual_layer_norm_forward(Executor& executor, const ResidualLayerNorm& arguments);

// From normalized_gradient (R,D):
// sum_gradient (R,D) = layer norm's input gradient [+ sum_gradient as given, with kAdd: the pre-norm residual stream]:
// the residual's gradient; x_gradient (R,D) = dropout's backward of sum_gradient (empty: not wanted; may be
// normalized_gradient); gamma_gradient, beta_gradient (D) and bias_gradient (D, empty: not wanted) are replaced.
// The calling thread keeps a buffer for the rows' partial sums, which only grows.
struct ResidualLayerNormBackward {
  Tensor normalized_gradient, sum, mean, rstd, gamma;
  Dropout dropout;
  bool add_to_sum_gradient = false;
  Tensor sum_gradient, x_gradient, gamma_gradient, beta_gradient, bias_gradient;
};
void residual_layer_norm_backward(Executor& executor, const ResidualLayerNormBackward& arguments);

}  // namespace podium
