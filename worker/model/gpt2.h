// GPT-2 (Radford et al. 2019), with the names and layouts of transformers, so that its weights open as GPT2LMHeadModel:
// a pre-norm decoder with learned positions, causal, packed without padding. The body stands apart from its heads.
#pragma once

#include <string>
#include <vector>

#include "worker/model/model.h"
#include "worker/model/pre_norm_sublayers.h"
#include "worker/model/vocabulary_loss.h"

namespace podium {

struct Gpt2Config {
  int64_t vocabulary = 8000;
  int layers = 4;
  int64_t embedding_size = 256, feed_forward_size = 1024;
  int heads = 8;
  int64_t maximum_positions = 128;
  float dropout = 0.1f, attention_dropout = 0.1f;
  Activation activation = Activation::kGeluTanh;
  float epsilon = 1e-5f;    // of layer normalisation
  bool tie_output = true;   // the output projection is the embedding table
  bool backward = false;    // texts are read from their end
  int32_t end_of_text = 0;  // ends every text, and stands before the first
};

struct Gpt2Activations {
  Tensor embedded;  // (R,D)
  // Norm k stands before sublayer k; its sum is the stream of residuals there. The last is ln_f: its output is what the
  // body makes.
  std::vector<SublayerEndActivations> norms;
  std::vector<CausalAttentionActivations> attention;
  std::vector<PreNormFeedForwardActivations> feed_forward;
};

class Gpt2Body {
 public:
  // Parameters transformer.wte, .wpe, .h.0 … .ln_f, one behind the other. Throws Error when the sizes do not fit.
  Gpt2Body(ParameterSet& parameters, const Gpt2Config& config, uint32_t& dropout_layers);

  static AttentionLayout layout_of(const PackedSequences& sequences);
  void plan(Arena& arena, const PackedSequences& sequences, bool backward, Gpt2Activations& activations) const;
  // What backward() takes from the arena beside the plan.
  void plan_scratch(Arena& arena, int64_t rows) const;

  // The states (R,D) behind ln_f.
  Tensor forward(const StepContext& context, const PackedSequences& sequences, Gpt2Activations& activations) const;
  // gradient (R,D) of the states, destroyed. The gradients of wte are added to those that the head left where
  // `add_to_table`, else they replace what was there. Reports all parameters of the body.
  void backward(const StepContext& context, Arena& scratch, const PackedSequences& sequences,
                Gpt2Activations& activations, const Tensor& gradient, bool add_to_table,
                const GradientReady& ready) const;

  const ParameterRef& token_table() const { return tokens_; }
  // Where the parameters of a head begin.
  int64_t end() const { return end_; }

 private:
  friend class Gpt2Decoder;
  struct Block {
    CausalAttention attention;
    PreNormFeedForward feed_forward;
  };
  Tensor embed(const StepContext& context, std::span<const int32_t> tokens, std::span<const int32_t> positions,
               const Tensor& y) const;
  // The stream's next sum and norm: those behind sublayer k - 1, whose product stands in norms[k].sum.
  void end_sublayer(const StepContext& context, size_t k, const Tensor& residual,
                    SublayerEndActivations& activations) const;
  void end_sublayer_backward(const StepContext& context, size_t k, Gpt2Activations& activations, const Tensor& gradient,
                             const Tensor& stream_gradient) const;
  void block_backward(const StepContext& context, Arena& scratch, const AttentionLayout& layout, size_t block,
                      Gpt2Activations& activations, const Tensor& gradient, const Tensor& stream_gradient) const;
  void embedding_backward(const StepContext& context, const PackedSequences& sequences, const Tensor& gradient,
                          bool add_to_table) const;
  const ParameterRef& bias_before(size_t k) const;

  Gpt2Config config_;
  SublayerOptions options_;
  ParameterRef tokens_, positions_;
  std::vector<Block> blocks_;
  std::vector<SublayerEnd> norms_;  // two a block and ln_f; the dropout is that of the sublayer before
  std::vector<int64_t> begin_;      // block i owns the flat buffer's [begin[i], begin[i+1]); then ln_f
  int64_t end_ = 0;
  uint32_t embedding_dropout_layer_ = 0;
};

class Gpt2Workspace : public Workspace {
 private:
  friend class Gpt2LanguageModel;
  Arena arena_{1};
  Gpt2Activations activations_;
  VocabularyLoss loss_;
};

// Shard.target_input holds what is read, Shard.labels the token behind each.
class Gpt2LanguageModel : public Model {
 public:
  // Throws Error when the sizes do not fit each other.
  explicit Gpt2LanguageModel(const Gpt2Config& config);

  const Gpt2Config& config() const { return config_; }

  std::unique_ptr<Workspace> make_workspace() const override { return std::make_unique<Gpt2Workspace>(); }
  CrossEntropySums train_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                               Workspace& workspace, const GradientReady& ready) const override;
  CrossEntropySums evaluate_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                                  Workspace& workspace) const override;

 private:
  friend class Gpt2Decoder;
  void reserve(const PackedSequences& sequences, bool backward, Gpt2Workspace& workspace) const;
  void plan(const PackedSequences& sequences, bool backward, Arena& arena, Gpt2Workspace& workspace) const;

  Gpt2Config config_;
  Gpt2Body body_;
  ParameterRef output_;
};

}  // namespace podium
