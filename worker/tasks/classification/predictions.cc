#include "worker/tasks/classification/predictions.h"

#include <cstring>

#include "worker/train/agreement.h"

namespace podium {
namespace {

// The bytes of one shard's probabilities.
std::string probabilities_of(const SharedWork& work, const TextClassifier& model, const Shard& shard,
                             Workspace& workspace) {
  const StepContext context{work.step.executor(), work.weights, {}, {}, false, nullptr};
  const Tensor probabilities = model.predict(context, shard.source, workspace);
  return {static_cast<const char*>(probabilities.data), probabilities.size_bytes()};
}

}  // namespace

Predictions predict(const SharedWork& work, const TextClassifier& model, std::span<const Shard> shards) {
  const size_t ranks = static_cast<size_t>(work.world.size());
  const std::unique_ptr<Workspace> workspace = model.make_workspace();
  std::vector<std::string> mine;
  for (size_t i = static_cast<size_t>(work.world.rank()); i < shards.size() && !work.stop(); i += ranks)
    mine.push_back(probabilities_of(work, model, shards[i], *workspace));
  work.step.waits_for_others();
  const std::vector<std::vector<std::string>> all = gather_texts(work.world, mine);
  Predictions predictions;
  for (size_t i = 0; i < shards.size(); ++i) {
    if (i / ranks >= all[i % ranks].size()) return {};  // a rank was asked to stop
    const std::string& bytes = all[i % ranks][i / ranks];
    const size_t begin = predictions.probabilities.size();
    predictions.probabilities.resize(begin + bytes.size() / sizeof(float));
    std::memcpy(predictions.probabilities.data() + begin, bytes.data(), bytes.size());
  }
  const size_t labels = model.labels().names.size();
  const LabelLoss& loss = model.labels().loss;
  for (size_t begin = 0; begin < predictions.probabilities.size(); begin += labels) {
    const std::span<const float> of_text = std::span(predictions.probabilities).subspan(begin, labels);
    predictions.labels.push_back(loss.multi_label ? labels_from(of_text, loss.prediction_threshold)
                                                  : likeliest_label(of_text));
  }
  return predictions;
}

}  // namespace podium
