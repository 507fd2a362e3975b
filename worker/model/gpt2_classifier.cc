#include "worker/model/gpt2_classifier.h"

#include <algorithm>

namespace podium {
namespace {

// The row of text i's last token in a (R,D) tensor.
float* last_row(const PackedSequences& texts, int64_t i, const Tensor& states) {
  const size_t text = static_cast<size_t>(i);
  return states.row_range(texts.begin[text] + texts.length[text] - 1, 1).f32();
}

}  // namespace

Gpt2Classifier::Gpt2Classifier(const Gpt2Config& config, ClassifierLabels names_and_loss)
    : TextClassifier(std::move(names_and_loss)), config_(config), body_(parameters_, config, dropout_layers_) {
  const ClassificationHeadOptions head{.name = "score",
                                       .width = config.embedding_size,
                                       .labels = std::ssize(labels().names),
                                       .bias = false,
                                       .dropout = 0};
  head_ = std::make_unique<ClassificationHead>(parameters_, head, labels().loss, dropout_layers_);
}

std::string Gpt2Classifier::sizes() const {
  return fmt::format("GPT-2 of {} layers, {}/{}/{}", config_.layers, config_.embedding_size, config_.feed_forward_size,
                     config_.heads);
}

void Gpt2Classifier::plan_body(const PackedSequences& texts, bool backward, Arena& arena, Workspace& workspace) const {
  auto& w = static_cast<Gpt2ClassifierWorkspace&>(workspace);
  body_.plan(arena, texts, backward, w.activations_);
  if (!backward || !arena.measures()) return;
  arena.allocate({texts.rows(), config_.embedding_size});  // the gradient of the states
  body_.plan_scratch(arena, texts.rows());
}

void Gpt2Classifier::features(const StepContext& context, const PackedSequences& texts, Workspace& workspace,
                              const Tensor& features) const {
  auto& w = static_cast<Gpt2ClassifierWorkspace&>(workspace);
  const Tensor states = body_.forward(context, texts, w.activations_);
  for (int64_t i = 0; i < texts.count(); ++i)
    std::copy_n(last_row(texts, i, states), config_.embedding_size, features.row_range(i, 1).f32());
}

void Gpt2Classifier::features_backward(const StepContext& context, const PackedSequences& texts, Workspace& workspace,
                                       Arena& scratch, const Tensor&, const Tensor& features_gradient,
                                       const GradientReady& ready) const {
  auto& w = static_cast<Gpt2ClassifierWorkspace&>(workspace);
  const size_t mark = scratch.mark();
  const Tensor gradient = scratch.allocate({texts.rows(), config_.embedding_size});
  std::fill_n(gradient.f32(), gradient.size(), 0.0f);
  for (int64_t i = 0; i < texts.count(); ++i)
    std::copy_n(features_gradient.row_range(i, 1).f32(), config_.embedding_size, last_row(texts, i, gradient));
  body_.backward(context, scratch, texts, w.activations_, gradient, false, ready);
  scratch.release(mark);
}

}  // namespace podium
