// A body that makes features of texts, and a classification head on it: what is the same whatever the body computes.
#pragma once

#include "worker/model/classification_head.h"
#include "worker/model/model.h"

namespace podium {

class TextClassifierWorkspace : public Workspace {
 private:
  friend class TextClassifier;
  Arena arena_{1};
  Tensor features_;           // (texts, D)
  Tensor features_gradient_;  // likewise
  ClassificationHeadActivations head_;
};

// Shard.source holds the texts; Shard.labels what ClassificationHead::loss() takes.
class TextClassifier : public Model {
 public:
  CrossEntropySums train_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                               Workspace& workspace, const GradientReady& ready) const override;
  CrossEntropySums evaluate_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                                  Workspace& workspace) const override;

  // The probabilities (texts, labels) of at least one text. They live until the workspace is used again.
  Tensor predict(const StepContext& context, const PackedSequences& texts, Workspace& workspace) const;

  const ClassifierLabels& labels() const { return labels_; }
  // The longest text, in tokens.
  virtual int64_t maximum_positions() const = 0;
  // "2 layers, 128/512/4"
  virtual std::string sizes() const = 0;

 protected:
  explicit TextClassifier(ClassifierLabels labels) : labels_(std::move(labels)) {}

  virtual const ClassificationHead& head() const = 0;
  virtual int64_t width() const = 0;
  // Where the head's parameters begin, which lie behind all others.
  virtual int64_t head_begin() const = 0;
  // Memory for the activations of the body, and in an arena that measures for the scratch of its backward pass.
  virtual void plan_body(const PackedSequences& texts, bool backward, Arena& arena, Workspace& workspace) const = 0;
  // features (texts, D) is replaced.
  virtual void features(const StepContext& context, const PackedSequences& texts, Workspace& workspace,
                        const Tensor& features) const = 0;
  // features: what features() made; features_gradient (texts, D) is destroyed. Reports all parameters but the head's.
  virtual void features_backward(const StepContext& context, const PackedSequences& texts, Workspace& workspace,
                                 Arena& scratch, const Tensor& features, const Tensor& features_gradient,
                                 const GradientReady& ready) const = 0;

 private:
  void reserve(const PackedSequences& texts, bool backward, TextClassifierWorkspace& workspace) const;
  void forward(const StepContext& context, const PackedSequences& texts, bool backward,
               TextClassifierWorkspace& workspace) const;

  const ClassifierLabels labels_;
};

}  // namespace podium
