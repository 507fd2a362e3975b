// GPT-2 with a classification head, as transformers.GPT2ForSequenceClassification has it: a linear layer without bias
// on the state of a text's last token.
#pragma once

#include "worker/model/gpt2.h"
#include "worker/model/text_classifier.h"

namespace podium {

class Gpt2ClassifierWorkspace : public TextClassifierWorkspace {
 private:
  friend class Gpt2Classifier;
  Gpt2Activations activations_;
};

class Gpt2Classifier : public TextClassifier {
 public:
  // Throws Error when the sizes do not fit each other.
  Gpt2Classifier(const Gpt2Config& config, ClassifierLabels labels);

  const Gpt2Config& config() const { return config_; }
  std::unique_ptr<Workspace> make_workspace() const override { return std::make_unique<Gpt2ClassifierWorkspace>(); }
  int64_t maximum_positions() const override { return config_.maximum_positions; }
  std::string sizes() const override;

 private:
  const ClassificationHead& head() const override { return *head_; }
  int64_t width() const override { return config_.embedding_size; }
  int64_t head_begin() const override { return body_.end(); }
  void plan_body(const PackedSequences& texts, bool backward, Arena& arena, Workspace& workspace) const override;
  void features(const StepContext& context, const PackedSequences& texts, Workspace& workspace,
                const Tensor& features) const override;
  void features_backward(const StepContext& context, const PackedSequences& texts, Workspace& workspace, Arena& scratch,
                         const Tensor& features, const Tensor& features_gradient,
                         const GradientReady& ready) const override;

  Gpt2Config config_;
  uint32_t dropout_layers_ = 0;
  Gpt2Body body_;
  std::unique_ptr<ClassificationHead> head_;
};

}  // namespace podium
