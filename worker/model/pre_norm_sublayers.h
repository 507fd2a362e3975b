// The sublayers of a pre-norm transformer as GPT-2 has them: causal self-attention and the feed-forward layer, each
// from normalised input to the last product, without its bias. What stands between them is in sublayer.h.
#pragma once

#include <string>

#include "worker/kernels/attention.h"
#include "worker/kernels/linear_epilogue.h"
#include "worker/model/linear.h"
#include "worker/model/sublayer.h"
#include "worker/tensor/arena.h"

namespace podium {

struct CausalAttentionActivations {
  Tensor projected;      // (R, 3D): queries, keys and values
  Tensor probabilities;  // see attention.h; empty without a backward pass
  Tensor context;        // (R, D)
};

class CausalAttention {
 public:
  // Parameters NAME.c_attn and NAME.c_proj. `output_factor`: of c_proj's initial weights.
  CausalAttention(ParameterSet& parameters, const std::string& name, const SublayerOptions& options,
                  float output_factor, uint32_t& dropout_layers);

  void plan(Arena& arena, const AttentionLayout& layout, int64_t rows, bool backward,
            CausalAttentionActivations& activations) const;
  // input (R,D), product (R,D).
  void forward(const StepContext& context, const AttentionLayout& layout, const Tensor& input,
               CausalAttentionActivations& activations, const Tensor& product) const;
  // gradient (R,D) of the product; input_gradient (R,D) is replaced, and may be `gradient`.
  void backward(const StepContext& context, Arena& scratch, const AttentionLayout& layout, const Tensor& input,
                CausalAttentionActivations& activations, const Tensor& gradient, const Tensor& input_gradient) const;

  // The two halves of forward(), between which a decoder puts its cache: keys and values are the last 2D columns of
  // activations.projected. attend() takes them from `keys_values` (any rows, 2D of row_stride).
  void project(const StepContext& context, const Tensor& input, CausalAttentionActivations& activations) const;
  void attend(const StepContext& context, const AttentionLayout& layout, HeadsView keys_values,
              CausalAttentionActivations& activations, const Tensor& product) const;

  // Of the product.
  const ParameterRef& bias() const { return out_.bias; }

 private:
  int head_size() const { return static_cast<int>(options_.width / options_.heads); }
  float scale() const;
  Dropout probability_dropout(const StepContext& context) const;

  SublayerOptions options_;
  Linear projection_, out_;
  uint32_t probability_dropout_layer_;
};

struct PreNormFeedForwardActivations {
  Tensor preactivation, hidden;  // (R,F)
};

class PreNormFeedForward {
 public:
  // Parameters NAME.c_fc and NAME.c_proj.
  PreNormFeedForward(ParameterSet& parameters, const std::string& name, const SublayerOptions& options,
                     int64_t hidden_size, Activation activation, float output_factor);

  void plan(Arena& arena, int64_t rows, PreNormFeedForwardActivations& activations) const;
  // input (R,D), product (R,D).
  void forward(const StepContext& context, const Tensor& input, PreNormFeedForwardActivations& activations,
               const Tensor& product) const;
  // gradient (R,D) of the product; input_gradient (R,D) is replaced, and may be `gradient`.
  void backward(const StepContext& context, Arena& scratch, const Tensor& input,
                PreNormFeedForwardActivations& activations, const Tensor& gradient, const Tensor& input_gradient) const;

  const ParameterRef& bias() const { return out_.bias; }

 private:
  int64_t hidden_size_;
  Activation activation_;
  Linear in_, out_;
};

}  // namespace podium
