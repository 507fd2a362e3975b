// Linear layers over the flat parameter buffer. Their biases belong to epilogues, which add them where they pass over
// the result anyway.
#pragma once

#include <string>

#include "worker/kernels/matmul.h"
#include "worker/model/step_context.h"

namespace podium {

// A Linear layer: y = x·Wᵀ + b. weight (out, in), bias (out). With `input_major`, y = x·W + b and weight (in, out):
// what GPT-2 calls Conv1D.
struct Linear {
  ParameterRef weight, bias;
  bool input_major = false;
};
Linear add_linear(ParameterSet& parameters, const std::string& name, int64_t inputs, int64_t outputs);

// y (R,out) = x (R,in)·Wᵀ or x·W, without the bias (an epilogue adds it).
void linear_product(const StepContext& context, const Linear& linear, const Tensor& x, const Tensor& y);
// Gradient of the weight from that of y, and, where wanted, x's.
void linear_weight_gradient(const StepContext& context, const Linear& linear, const Tensor& x,
                            const Tensor& y_gradient);
void linear_input_gradient(const StepContext& context, const Linear& linear, const Tensor& y_gradient,
                           const Tensor& x_gradient, Store store);

}  // namespace podium
