// What follows a matrix product: bias, and bias with activation; and their backward passes.
#pragma once

#include "worker/kernels/executor.h"
#include "worker/tensor/tensor.h"

namespace podium {

// Hugging Face's "relu", "gelu" (with erf), "silu" ("swish") and "gelu_new" (GELU's approximation by tanh, GPT-2's).
enum class Activation : uint8_t { kRelu, kGelu, kSilu, kGeluTanh };

// x (R,N) += bias (N).
void bias_add(Executor& executor, const Tensor& bias, const Tensor& x);

// bias_gradient (N) = column sums of y_gradient (R,N), rows in a fixed order.
void bias_backward(Executor& executor, const Tensor& y_gradient, const Tensor& bias_gradient);

// x (R,N) += bias (N), kept for the backward pass; y (R,N) = activation(x). y may be x when there will be no backward
// pass.
void bias_activation_forward(Executor& executor, Activation activation, const Tensor& bias, const Tensor& x,
                             const Tensor& y);

// x_gradient = activation'(x) · y_gradient, with x as the forward pass left it; x_gradient may be y_gradient.
void activation_backward(Executor& executor, Activation activation, const Tensor& x, const Tensor& y_gradient,
                         const Tensor& x_gradient);

}  // namespace podium
