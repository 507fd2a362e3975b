#include "worker/model/classification_head.h"

#include <algorithm>
#include <cmath>

#include "worker/kernels/binary_cross_entropy.h"
#include "worker/kernels/linear_epilogue.h"

namespace podium {

ClassificationHead::ClassificationHead(ParameterSet& parameters, const ClassificationHeadOptions& options,
                                       LabelLoss loss, uint32_t& dropout_layers)
    : options_(options), loss_(std::move(loss)), dropout_layer_(dropout_layers++) {
  PODIUM_CHECK(loss_.class_weights.empty() || std::ssize(loss_.class_weights) == options.labels,
               "{} class weights of {} labels", loss_.class_weights.size(), options.labels);
  linear_.weight = parameters.add(options.name + ".weight", {options.labels, options.width}, Initializer::kNormal);
  if (options.bias) linear_.bias = parameters.add(options.name + ".bias", {options.labels}, Initializer::kZeros);
}

void ClassificationHead::plan(Arena& arena, int64_t texts, ClassificationHeadActivations& a) const {
  a.features = arena.allocate({texts, options_.width});
  a.logits = arena.allocate({texts, options_.labels});
  a.row_scratch.resize(std::max(a.row_scratch.size(), static_cast<size_t>(2 * texts)));
}

void ClassificationHead::forward(const StepContext& context, const Tensor& features,
                                 ClassificationHeadActivations& a) const {
  const Dropout drop = context.dropout_of(options_.dropout, dropout_layer_);
  if (drop.active())
    dropout(context.executor, drop, features, a.features);
  else
    std::copy_n(features.f32(), features.size(), a.features.f32());
  linear_product(context, linear_, a.features, a.logits);
  if (options_.bias) bias_add(context.executor, context.weights[linear_.bias], a.logits);
  context.observe("", "logits", a.logits);
}

CrossEntropySums ClassificationHead::weighted_cross_entropy(const StepContext& context, const Tensor& logits,
                                                            std::span<const int32_t> labels, float label_smoothing,
                                                            bool gradient, std::span<double> scratch) const {
  CrossEntropySums sums;
  for (size_t i = 0; i < labels.size(); ++i) {
    const Tensor row = logits.row_range(static_cast<int64_t>(i), 1);
    CrossEntropySums of_row =
        cross_entropy(context.executor, row, labels.subspan(i, 1), label_smoothing, gradient, scratch);
    const float weight = loss_.class_weights[static_cast<size_t>(labels[i])];
    of_row.loss *= weight;
    sums += of_row;
    if (gradient) std::for_each_n(row.f32(), row.size(), [&](float& value) { value *= weight; });
  }
  return sums;
}

CrossEntropySums ClassificationHead::loss(const StepContext& context, std::span<const int32_t> labels,
                                          float label_smoothing, bool gradient,
                                          ClassificationHeadActivations& a) const {
  if (loss_.multi_label) {
    const BinaryCrossEntropyOptions options{loss_.class_weights, label_smoothing, loss_.prediction_threshold, gradient};
    return binary_cross_entropy(context.executor, a.logits, labels, options, a.row_scratch);
  }
  if (loss_.class_weights.empty())
    return cross_entropy(context.executor, a.logits, labels, label_smoothing, gradient, a.row_scratch);
  return weighted_cross_entropy(context, a.logits, labels, label_smoothing, gradient, a.row_scratch);
}

void ClassificationHead::backward(const StepContext& context, ClassificationHeadActivations& a,
                                  const Tensor& features_gradient) const {
  linear_weight_gradient(context, linear_, a.features, a.logits);
  if (options_.bias) bias_backward(context.executor, a.logits, context.gradients[linear_.bias]);
  linear_input_gradient(context, linear_, a.logits, features_gradient, Store::kReplace);
  const Dropout drop = context.dropout_of(options_.dropout, dropout_layer_);
  if (drop.active()) dropout(context.executor, drop, features_gradient, features_gradient);
}

void ClassificationHead::to_probabilities(const Tensor& logits) const {
  if (loss_.multi_label) {
    std::transform(logits.f32(), logits.f32() + logits.size(), logits.f32(), sigmoid);
    return;
  }
  for (int64_t row = 0; row < logits.rows(); ++row) {
    const std::span<float> x(logits.f32() + row * logits.columns(), static_cast<size_t>(logits.columns()));
    const double largest = *std::max_element(x.begin(), x.end());
    double sum = 0;
    for (float value : x) sum += std::exp(value - largest);
    for (float& value : x) value = static_cast<float>(std::exp(value - largest) / sum);
  }
}

}  // namespace podium
