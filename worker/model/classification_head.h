// What makes a classifier of a text's features: dropout, a linear layer, and the loss over labels.
#pragma once

#include <string>
#include <vector>

#include "worker/kernels/cross_entropy.h"
#include "worker/model/linear.h"
#include "worker/tensor/arena.h"

namespace podium {

// What is learnt, beside the model's sizes.
struct LabelLoss {
  bool multi_label = false;           // a text may have several labels, or none
  std::vector<float> class_weights;   // of labels; empty: all 1
  double prediction_threshold = 0.5;  // multi_label: the probability from which on a label is predicted
};

struct ClassifierLabels {
  std::vector<std::string> names;  // by id
  LabelLoss loss;
};

struct ClassificationHeadOptions {
  std::string name;  // "classifier": parameters NAME.weight and, with bias, NAME.bias
  int64_t width = 0, labels = 0;
  bool bias = true;
  float dropout = 0;  // of the features
};

struct ClassificationHeadActivations {
  Tensor features;                  // (N,D), after dropout
  Tensor logits;                    // (N,K)
  std::vector<double> row_scratch;  // of the losses
};

class ClassificationHead {
 public:
  ClassificationHead(ParameterSet& parameters, const ClassificationHeadOptions& options, LabelLoss loss,
                     uint32_t& dropout_layers);

  // For N texts.
  void plan(Arena& arena, int64_t texts, ClassificationHeadActivations& activations) const;
  // features (N,D) to activations.logits.
  void forward(const StepContext& context, const Tensor& features, ClassificationHeadActivations& activations) const;
  // `labels`: the id of each text's label, or with multi_label K zeros and ones a text. One label: the cross-entropy,
  // smoothed as cross_entropy.h has it, times the class weight of the text's label; several: binary_cross_entropy.h.
  // rows are texts; nll is without weights. With `gradient` the logits are replaced by it.
  CrossEntropySums loss(const StepContext& context, std::span<const int32_t> labels, float label_smoothing,
                        bool gradient, ClassificationHeadActivations& activations) const;
  // After loss() with gradient: features_gradient (N,D) is replaced.
  void backward(const StepContext& context, ClassificationHeadActivations& activations,
                const Tensor& features_gradient) const;
  // Replaces logits (N,K) by probabilities: each row's softmax, or with multi_label each label's sigmoid.
  void to_probabilities(const Tensor& logits) const;

 private:
  CrossEntropySums weighted_cross_entropy(const StepContext& context, const Tensor& logits,
                                          std::span<const int32_t> labels, float label_smoothing, bool gradient,
                                          std::span<double> scratch) const;

  ClassificationHeadOptions options_;
  LabelLoss loss_;
  Linear linear_;
  uint32_t dropout_layer_;
};

}  // namespace podium
