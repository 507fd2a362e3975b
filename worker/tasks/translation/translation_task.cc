#include "worker/tasks/translation/translation_task.h"

#include <algorithm>
#include <numeric>

#include "worker/model/marian_format.h"
#include "worker/tasks/translation/translations.h"
#include "worker/train/options.h"

namespace podium {
namespace {

constexpr int64_t kPairsPerShard = 32;

// Names of parameters do not depend on the vocabularies, so that patterns are looked at before data is.
const Settings& checked(const Settings& settings) {
  constexpr int64_t kSome = 16;
  check_parameter_groups(settings, Transformer(transformer_config(settings, kSome, kSome)).parameters());
  return settings;
}

// Test pairs of a length that reads well, evenly spaced.
std::vector<SentencePair> sample_pairs(const std::vector<SentencePair>& pairs, int64_t count) {
  std::vector<SentencePair> readable, chosen;
  for (const SentencePair& pair : pairs) {
    const int64_t spaces = std::count(pair.source.begin(), pair.source.end(), ' ');
    if (spaces >= 4 && spaces <= 14) readable.push_back(pair);
  }
  if (readable.empty()) readable = pairs;
  count = std::min<int64_t>(count, static_cast<int64_t>(readable.size()));
  for (int64_t i = 0; i < count; ++i)
    chosen.push_back(readable[static_cast<size_t>((2 * i + 1) * static_cast<int64_t>(readable.size()) / (2 * count))]);
  return chosen;
}

}  // namespace

TransformerConfig transformer_config(const Settings& settings, int64_t source_vocabulary, int64_t target_vocabulary) {
  const Settings::Model& model = settings.model;
  TransformerConfig config;
  config.source_vocabulary = source_vocabulary;
  config.target_vocabulary = target_vocabulary;
  config.encoder_layers = static_cast<int>(model.encoder_layers);
  config.decoder_layers = static_cast<int>(model.decoder_layers);
  config.embedding_size = model.embedding_size;
  config.feed_forward_size = model.feed_forward_size;
  config.heads = static_cast<int>(model.heads);
  config.dropout = static_cast<float>(model.dropout);
  config.attention_dropout = static_cast<float>(model.attention_dropout);
  config.activation_dropout = static_cast<float>(model.activation_dropout);
  config.activation = activation_of(model);
  config.maximum_positions = model.maximum_positions;
  config.shared_vocabulary = settings.vocabulary.shared;
  config.tie_output = model.tie_output;
  return config;
}

TranslationTask::TranslationTask(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                                 TrainingDisplay& display)
    : settings_(checked(settings)),
      data_(load_translation_data(settings, snapshot_folder, display)),
      model_(transformer_config(settings, data_.source_vocabulary->size(), data_.target_vocabulary->size())) {
  const TokenizedPairs& pairs = data_.validation_pairs();
  std::vector<int32_t> order(static_cast<size_t>(pairs.count()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return pairs.target_length(a) > pairs.target_length(b); });
  for (size_t begin = 0; begin < order.size(); begin += kPairsPerShard) {
    const size_t count = std::min<size_t>(kPairsPerShard, order.size() - begin);
    fill_shard(pairs, std::span(order).subspan(begin, count), data_.target_vocabulary->pad_id(),
               validation_shards_.emplace_back());
  }
  const int64_t available = static_cast<int64_t>(data_.validation.size());
  const int64_t count = std::min(settings.validation.bleu_sentences, available);
  for (int64_t i = 0; i < count; ++i)
    bleu_pairs_.push_back(data_.validation[static_cast<size_t>(i * available / count)]);
}

std::string TranslationTask::model_text() const {
  const TransformerConfig& config = model_.config();
  return fmt::format("{}+{} layers, {}/{}/{}", config.encoder_layers, config.decoder_layers, config.embedding_size,
                     config.feed_forward_size, config.heads);
}

std::vector<TaskMetric> TranslationTask::validation_metrics(const SharedWork& work, const CrossEntropySums&) const {
  if (bleu_pairs_.empty()) return {};
  return {{"bleu", bleu({work, model_, data_, settings_.validation.maximum_tokens}, bleu_pairs_).score}};
}

SmallFiles TranslationTask::snapshot_files() const {
  const TransformerConfig& config = model_.config();
  SmallFiles files = {{"config.json", marian_config(config)},
                      {"generation_config.json", marian_generation_config(config)},
                      {"tokenizer_config.json", marian_tokenizer_config(config, settings_.dataset.source_language,
                                                                        settings_.dataset.target_language)},
                      {"source.spm", data_.source_vocabulary->model()},
                      {"target.spm", data_.target_vocabulary->model()},
                      {"vocab.json", data_.source_vocabulary->vocab_json()}};
  if (!data_.description.empty()) files.emplace_back("dataset.json", data_.description);
  if (!config.shared_vocabulary) files.emplace_back("target_vocab.json", data_.target_vocabulary->vocab_json());
  return files;
}

void TranslationTask::show_results(const SharedWork& work, TrainingDisplay& display) const {
  const TranslationWork translating{work, model_, data_, settings_.validation.maximum_tokens};
  const std::vector<SentencePair>& held_out = data_.test.empty() ? data_.validation : data_.test;
  const char* name = data_.test.empty() ? "validation" : "test";
  if (held_out.empty()) return;
  display.activity(fmt::format("translating the {} {} sentences", held_out.size(), name));
  // No way out between these two: all ranks take part in both.
  const BleuScore score = bleu(translating, held_out);
  const std::vector<SentencePair> samples = sample_pairs(held_out, settings_.progress.samples);
  const std::vector<std::string> translations = translate(translating, samples);
  display.finish();
  if (work.stop()) return;
  display.message(fmt::format("\n{} pairs ({}): {}", name, held_out.size(), score.text()));
  for (size_t i = 0; i < samples.size(); ++i)
    display.message(fmt::format("\n  source       {}\n  reference    {}\n  translation  {}", samples[i].source,
                                samples[i].target, translations[i]));
}

}  // namespace podium
