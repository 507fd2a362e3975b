#include "worker/model/linear.h"

#include <tuple>

namespace podium {

Linear add_linear(ParameterSet& parameters, const std::string& name, int64_t inputs, int64_t outputs) {
  Linear linear;
  linear.weight = parameters.add(name + ".weight", {outputs, inputs}, Initializer::kXavierUniform);
  linear.bias = parameters.add(name + ".bias", {outputs}, Initializer::kZeros);
  return linear;
}

void linear_product(const StepContext& context, const Linear& linear, const Tensor& x, const Tensor& y) {
  matmul(context.executor, x, Transpose::kNo, context.weights[linear.weight], Transpose{!linear.input_major}, y);
}

void linear_weight_gradient(const StepContext& context, const Linear& linear, const Tensor& x,
                            const Tensor& y_gradient) {
  const auto& [rows, columns] = linear.input_major ? std::tie(x, y_gradient) : std::tie(y_gradient, x);
  matmul(context.executor, rows, Transpose::kYes, columns, Transpose::kNo, context.gradients[linear.weight]);
}

void linear_input_gradient(const StepContext& context, const Linear& linear, const Tensor& y_gradient,
                           const Tensor& x_gradient, Store store) {
  matmul(context.executor, y_gradient, Transpose::kNo, context.weights[linear.weight], Transpose{linear.input_major},
         x_gradient, store);
}

}  // namespace podium
