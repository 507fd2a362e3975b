#include "worker/classify/classifier.h"

#include "worker/data/open_tokenizer.h"
#include "worker/snapshot/snapshot_folder.h"
#include "worker/snapshot/weights.h"

namespace podium {
namespace {

constexpr uint64_t kConfigBytes = 64 << 20;
constexpr size_t kTextsAtATime = 32;

}  // namespace

Classifier Classifier::open(const fs::path& folder) {
  Classifier classifier;
  classifier.folder_ = verify_snapshot_folder(folder).path;
  const fs::path &path = classifier.folder_, config_path = path / "config.json",
                 weights_path = path / "model.safetensors";
  const ClassifierConfig config = parse_classifier_config(read_file(config_path, kConfigBytes), config_path.string());
  if (config.labels.names.empty()) throw Error("{}: \"id2label\" names no labels", config_path.string());
  const std::shared_ptr<const TextTokenizer> tokenizer = open_tokenizer(path);
  if (tokenizer->size() > vocabulary_of(config))
    throw Error("{}: the tokenizer has {} tokens, config.json says {}", path.string(), tokenizer->size(),
                vocabulary_of(config));
  classifier.encoder_ = std::make_unique<TextEncoder>(tokenizer, frame_of(config), maximum_positions_of(config));
  const MappedFile mapped(weights_path);
  const SafetensorsFile file(mapped.view(), weights_path.string());
  classifier.model_ = make_classifier(config);
  const ParameterSet& parameters = classifier.model_->parameters();
  if (static_cast<uint64_t>(parameters.count()) * sizeof(float) > mapped.size())
    throw Error("{}: {} bytes, too few for the {} parameters of config.json", weights_path.string(), mapped.size(),
                parameters.count());
  classifier.weights_.resize(static_cast<size_t>(parameters.size()));
  read_model_weights(file, parameters, classifier.weights_);
  return classifier;
}

std::vector<float> Classifier::probabilities(ThreadPool& threads, std::span<const std::string> texts) const {
  Executor executor{threads};
  const std::unique_ptr<Workspace> workspace = model_->make_workspace();
  const StepContext context{executor, {const_cast<float*>(weights_.data())}, {}, {}, false, nullptr};
  std::vector<float> all;
  for (size_t begin = 0; begin < texts.size(); begin += kTextsAtATime) {
    PackedSequences packed;
    for (const std::string& text : texts.subspan(begin, std::min(kTextsAtATime, texts.size() - begin)))
      packed.append((*encoder_)(text).tokens);
    const Tensor probabilities = model_->predict(context, packed, *workspace);
    all.insert(all.end(), probabilities.f32(), probabilities.f32() + probabilities.size());
  }
  return all;
}

}  // namespace podium
