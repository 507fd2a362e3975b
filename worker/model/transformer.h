// The encoder-decoder Transformer of "Attention Is All You Need" (Vaswani et al. 2017), post-norm, with MarianMT's
// conventions, so that its weights open as transformers.MarianMTModel. Forward and backward are written out; sentences
// are packed without padding.
#pragma once

#include <vector>

#include "worker/model/attention_layer.h"
#include "worker/model/feed_forward.h"
#include "worker/model/model.h"
#include "worker/model/vocabulary_loss.h"

namespace podium {

struct TransformerConfig {
  int64_t source_vocabulary = 8000, target_vocabulary = 8000;  // padding is the last id of each
  int encoder_layers = 4, decoder_layers = 4;
  int64_t embedding_size = 128, feed_forward_size = 512;
  int heads = 8;
  float dropout = 0.1f, attention_dropout = 0.1f, activation_dropout = 0;
  Activation activation = Activation::kRelu;
  int64_t maximum_positions = 1000;
  bool shared_vocabulary = false;  // one embedding table for source and target
  bool tie_output = false;         // the output projection is the target's embedding table
};

struct EncoderLayer {
  AttentionLayer self_attention;
  FeedForward feed_forward;
};
struct DecoderLayer {
  AttentionLayer self_attention, cross_attention;
  FeedForward feed_forward;
};

class TransformerWorkspace : public Workspace {
 public:
  // Of one decoder layer, from the last forward pass; valid until the next.
  const AttentionActivations& cross_attention(size_t decoder_layer) const {
    return decoder_[decoder_layer].cross_attention;
  }

 private:
  friend class Transformer;
  friend class IncrementalDecoder;
  struct EncoderLayerActivations {
    AttentionActivations self_attention;
    FeedForwardActivations feed_forward;
  };
  struct DecoderLayerActivations {
    AttentionActivations self_attention, cross_attention;
    FeedForwardActivations feed_forward;
  };
  Arena arena_{1};
  Tensor source_embedded_, target_embedded_;
  std::vector<EncoderLayerActivations> encoder_;
  std::vector<DecoderLayerActivations> decoder_;
  VocabularyLoss loss_;
};

class Transformer : public Model {
 public:
  // Throws Error when the sizes do not fit each other.
  explicit Transformer(const TransformerConfig& config);

  const TransformerConfig& config() const { return config_; }

  std::unique_ptr<Workspace> make_workspace() const override { return std::make_unique<TransformerWorkspace>(); }
  CrossEntropySums train_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                               Workspace& workspace, const GradientReady& ready) const override;
  CrossEntropySums evaluate_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                                  Workspace& workspace) const override;
  // As transformers.MarianMTModel has them: with final_logits_bias, and shared embeddings under each of their names.
  std::vector<ModelTensor> tensors() const override;

 private:
  friend class IncrementalDecoder;
  struct Layouts {
    AttentionLayout encoder_self, decoder_self, cross;
  };
  static Layouts layouts_of(const Shard& shard);
  void reserve(const Layouts& layouts, const Shard& shard, bool backward, TransformerWorkspace& workspace) const;
  void plan(const Layouts& layouts, int64_t source_rows, int64_t target_rows, bool backward, Arena& arena,
            TransformerWorkspace& workspace) const;
  void plan_encoder(const AttentionLayout& layout, int64_t rows, bool backward, Arena& arena,
                    TransformerWorkspace& workspace) const;
  Tensor embed(const StepContext& context, const PackedSequences& sequences, const ParameterRef& table,
               uint32_t dropout_layer, const Tensor& y) const;
  Tensor encode(const StepContext& context, const AttentionLayout& layout, const PackedSequences& source,
                TransformerWorkspace& workspace) const;
  Tensor decode(const StepContext& context, const Layouts& layouts, const PackedSequences& target_input,
                const Tensor& memory, TransformerWorkspace& workspace) const;
  void decoder_backward(const StepContext& context, const Layouts& layouts, const Shard& shard, const Tensor& memory,
                        TransformerWorkspace& workspace, Tensor gradient, const Tensor& memory_gradient,
                        const GradientReady& ready) const;
  void encoder_backward(const StepContext& context, const Layouts& layouts, const Shard& shard,
                        TransformerWorkspace& workspace, Tensor gradient, const GradientReady& ready) const;
  Tensor position_table() const;

  TransformerConfig config_;
  std::vector<float> positions_;                               // (maximum_positions, D)
  ParameterRef source_embedding_, target_embedding_, output_;  // the same one where they are shared
  std::vector<EncoderLayer> encoder_;
  std::vector<DecoderLayer> decoder_;
  std::vector<int64_t> encoder_begin_, decoder_begin_;  // layer i owns the flat buffer's [begin[i], begin[i+1])
  uint32_t source_dropout_layer_ = 0, target_dropout_layer_ = 0;
};

}  // namespace podium
