// Multi-head attention with its residual connection and layer normalisation (post-norm): the self- and cross-attention
// sublayers.
#pragma once

#include <string>

#include "worker/kernels/attention.h"
#include "worker/model/linear.h"
#include "worker/model/sublayer.h"
#include "worker/tensor/arena.h"

namespace podium {

struct AttentionActivations {
  Tensor query;          // self: (R, 3D), queries, keys and values; cross: (R, D)
  Tensor key_value;      // cross only: (memory rows, 2D)
  Tensor probabilities;  // see attention.h; empty without a backward pass
  Tensor context;        // (R, D)
  SublayerEndActivations end;
};

// What a format calls the parameters, each with .weight and .bias behind.
struct AttentionNames {
  std::string query, key, value, output, norm;
};

class AttentionLayer {
 public:
  enum class Kind : uint8_t { kSelf, kCross };
  // `observed` is what the observer is told.
  AttentionLayer(ParameterSet& parameters, Kind kind, const AttentionNames& names, std::string observed,
                 const SublayerOptions& options, uint32_t& dropout_layers);

  // backward: the probabilities are kept, which take more than all else when sentences are long.
  void plan(Arena& arena, const AttentionLayout& layout, int64_t rows, int64_t memory_rows, bool backward,
            AttentionActivations& activations) const;

  // input (R,D); memory (S,D) for cross-attention. The result is activations.end.output.
  void forward(const StepContext& context, const AttentionLayout& layout, const Tensor& input, const Tensor& memory,
               AttentionActivations& activations) const;

  // gradient (R,D): of the output, destroyed. input_gradient (R,D) is replaced; memory_gradient (S,D) is replaced or
  // added to.
  void backward(const StepContext& context, Arena& scratch, const AttentionLayout& layout, const Tensor& input,
                const Tensor& memory, AttentionActivations& activations, const Tensor& gradient,
                const Tensor& input_gradient, const Tensor& memory_gradient, Store memory_store) const;

  // For decoding with a cache: the projections, and what follows the attention itself.
  const Linear& query_projection() const { return query_; }
  const Linear& key_value_projection() const { return key_value_; }
  void finish(const StepContext& context, const Tensor& residual, AttentionActivations& activations) const;
  float scale() const;
  int64_t head_size() const { return options_.width / options_.heads; }

 private:
  HeadsView queries(const AttentionActivations& a) const;
  HeadsView keys(const AttentionActivations& a) const;
  HeadsView values(const AttentionActivations& a) const;
  Dropout probability_dropout(const StepContext& context) const;

  Kind kind_;
  std::string observed_;
  SublayerOptions options_;
  Linear query_;      // self: the fused (3D, D); cross: (D, D)
  Linear key_value_;  // cross: the fused (2D, D)
  Linear out_;
  SublayerEnd end_;
  uint32_t probability_dropout_layer_;
};

}  // namespace podium
