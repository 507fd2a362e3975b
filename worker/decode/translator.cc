#include "worker/decode/translator.h"

#include "worker/model/marian_format.h"
#include "worker/snapshot/snapshot_folder.h"
#include "worker/snapshot/weights.h"

namespace podium {
namespace {

constexpr uint64_t kSmallFileBytes = 64 << 20;

std::unique_ptr<Tokenizer> open_vocabulary(const fs::path& path, int64_t size) {
  auto tokenizer = std::make_unique<Tokenizer>(read_file(path, kSmallFileBytes), path.string());
  if (tokenizer->size() != size)
    throw Error("{}: {} tokens with padding, config.json says {}", path.string(), tokenizer->size(), size);
  return tokenizer;
}

}  // namespace

std::vector<std::vector<Translation>> translate(const Transformer& model, FlatParameters weights,
                                                const Tokenizer& source_vocabulary, const Tokenizer& target_vocabulary,
                                                ThreadPool& threads, std::span<const std::string> sentences,
                                                const GenerationOptions& options) {
  const size_t longest = static_cast<size_t>(model.config().maximum_positions);
  std::vector<std::vector<int32_t>> sources;
  for (const std::string& sentence : sentences) {
    std::vector<int32_t> tokens = source_vocabulary.encode(sentence);
    if (tokens.size() >= longest) tokens.resize(longest - 1);
    tokens.push_back(options.eos);
    sources.push_back(std::move(tokens));
  }
  std::vector<std::vector<Translation>> translations;
  for (const std::vector<Hypothesis>& hypotheses : generate(model, weights, threads, sources, options)) {
    translations.emplace_back();
    for (const Hypothesis& hypothesis : hypotheses)
      translations.back().push_back({target_vocabulary.decode(hypothesis.tokens), hypothesis.score});
  }
  return translations;
}

std::vector<std::string> first_texts(std::vector<std::vector<Translation>> translations) {
  std::vector<std::string> texts;
  for (std::vector<Translation>& list : translations)
    texts.push_back(list.empty() ? std::string() : std::move(list.front().text));
  return texts;
}

Translator Translator::open(const fs::path& folder) {
  Translator translator;
  translator.folder_ = verify_snapshot_folder(folder).path;
  const fs::path& path = translator.folder_;
  const TransformerConfig config =
      parse_marian_config(read_file(path / "config.json", kSmallFileBytes), (path / "config.json").string());
  const fs::path weights_path = path / "model.safetensors";
  const MappedFile mapped(weights_path);
  const SafetensorsFile file(mapped.view(), weights_path.string());
  translator.model_ = std::make_unique<Transformer>(config);
  const ParameterSet& parameters = translator.model_->parameters();
  if (static_cast<uint64_t>(parameters.count()) * sizeof(float) > mapped.size())
    throw Error("{}: {} bytes, too few for the {} parameters of config.json", weights_path.string(), mapped.size(),
                parameters.count());
  translator.weights_.resize(static_cast<size_t>(parameters.size()));
  read_model_weights(file, parameters, translator.weights_);
  translator.source_ = open_vocabulary(path / "source.spm", config.source_vocabulary);
  translator.target_ = open_vocabulary(path / "target.spm", config.target_vocabulary);
  return translator;
}

std::vector<std::vector<Translation>> Translator::translate(ThreadPool& threads, std::span<const std::string> sentences,
                                                            const GenerationOptions& options) const {
  return podium::translate(*model_, {const_cast<float*>(weights_.data())}, *source_, *target_, threads, sentences,
                           options);
}

}  // namespace podium
