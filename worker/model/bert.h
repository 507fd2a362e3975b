// BERT with a classification head (Devlin et al. 2019), as transformers.BertForSequenceClassification has it: learned
// positions, a post-norm encoder, and of the first token a tanh layer, the pooler. Forward and backward are written
// out; texts are packed without padding, and are of token type 0.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "worker/model/attention_layer.h"
#include "worker/model/feed_forward.h"
#include "worker/model/text_classifier.h"

namespace podium {

struct BertConfig {
  int64_t vocabulary = 8000;
  int layers = 2;
  int64_t width = 128, feed_forward_size = 512;
  int heads = 4;
  float dropout = 0.1f, attention_dropout = 0.1f;
  float classifier_dropout = 0.1f;  // between pooler and classifier
  Activation activation = Activation::kGelu;
  int64_t maximum_positions = 512;
  int64_t token_types = 2;  // rows of a table of which only the first is used
  float epsilon = 1e-12f;
  int32_t pad_id = 0;  // its embedding is zero and stays so
};

class BertWorkspace : public TextClassifierWorkspace {
 private:
  friend class BertClassifier;
  struct LayerActivations {
    AttentionActivations attention;
    FeedForwardActivations feed_forward;
  };
  Tensor sum_, embedded_, mean_, rstd_;  // of the embeddings' layer normalisation; (R,D) and (R)
  std::vector<LayerActivations> layers_;
  Tensor first_, first_gradient_;  // (texts, D): of the first tokens
};

class BertClassifier : public TextClassifier {
 public:
  // Throws Error when the sizes do not fit each other.
  BertClassifier(const BertConfig& config, ClassifierLabels labels);

  const BertConfig& config() const { return config_; }
  std::unique_ptr<Workspace> make_workspace() const override { return std::make_unique<BertWorkspace>(); }
  int64_t maximum_positions() const override { return config_.maximum_positions; }
  std::string sizes() const override;

 private:
  struct Layer {
    AttentionLayer attention;
    FeedForward feed_forward;
  };
  static AttentionLayout layout_of(const PackedSequences& texts);
  const ClassificationHead& head() const override { return *head_; }
  int64_t width() const override { return config_.width; }
  int64_t head_begin() const override { return head_begin_; }
  void add_embeddings(uint32_t& dropout_layers);
  void add_layer(int index, uint32_t& dropout_layers);
  void plan_body(const PackedSequences& texts, bool backward, Arena& arena, Workspace& workspace) const override;
  void features(const StepContext& context, const PackedSequences& texts, Workspace& workspace,
                const Tensor& features) const override;
  void features_backward(const StepContext& context, const PackedSequences& texts, Workspace& workspace, Arena& scratch,
                         const Tensor& features, const Tensor& features_gradient,
                         const GradientReady& ready) const override;
  // Words, positions and type 0, normalised, to embedded_.
  void embed(const StepContext& context, const PackedSequences& texts, BertWorkspace& workspace) const;
  // gradient (R,D): of embedded_, destroyed; sum_gradient (R,D): scratch.
  void embed_backward(const StepContext& context, const PackedSequences& texts, const BertWorkspace& workspace,
                      const Tensor& gradient, const Tensor& sum_gradient) const;
  // The first row of each text, through a linear layer and tanh. features_gradient is destroyed, states_gradient (R,D)
  // replaced.
  void pool(const StepContext& context, const PackedSequences& texts, const Tensor& states, BertWorkspace& workspace,
            const Tensor& features) const;
  void pool_backward(const StepContext& context, const PackedSequences& texts, BertWorkspace& workspace,
                     const Tensor& features, const Tensor& features_gradient, const Tensor& states_gradient) const;

  BertConfig config_;
  ParameterRef words_, positions_, types_;
  LayerNormParameters embedding_norm_;
  std::vector<Layer> layers_;
  std::vector<int64_t> layer_begin_;  // layer i owns the flat buffer's [begin[i], begin[i+1])
  Linear pooler_;
  std::unique_ptr<ClassificationHead> head_;
  int64_t head_begin_ = 0;
  uint32_t embedding_dropout_layer_ = 0;
};

}  // namespace podium
