// The position-wise feed-forward sublayer with its residual connection and layer normalisation (post-norm).
#pragma once

#include "worker/kernels/linear_epilogue.h"
#include "worker/model/linear.h"
#include "worker/model/sublayer.h"

namespace podium {

struct FeedForwardActivations {
  Tensor preactivation, hidden;  // (R,F)
  SublayerEndActivations end;
};

// What a format calls the parameters, each with .weight and .bias behind.
struct FeedForwardNames {
  std::string fc1, fc2, norm;
};

class FeedForward {
 public:
  FeedForward(ParameterSet& parameters, const FeedForwardNames& names, std::string observed,
              const SublayerOptions& options, int64_t hidden_size, Activation activation, uint32_t& dropout_layers);

  void plan(Arena& arena, int64_t rows, FeedForwardActivations& activations) const;
  // input (R,D). The result is activations.end.output.
  void forward(const StepContext& context, const Tensor& input, FeedForwardActivations& activations) const;
  // gradient (R,D): of the output, destroyed; input_gradient (R,D) is replaced.
  void backward(const StepContext& context, Arena& scratch, const Tensor& input, FeedForwardActivations& activations,
                const Tensor& gradient, const Tensor& input_gradient) const;

 private:
  std::string observed_;
  SublayerOptions options_;
  int64_t hidden_size_;
  Activation activation_;
  Linear fc1_, fc2_;
  SublayerEnd end_;
  uint32_t activation_dropout_layer_;
};

}  // namespace podium
