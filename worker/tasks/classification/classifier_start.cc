#include "worker/tasks/classification/classifier_start.h"

#include <algorithm>

#include "worker/data/class_weights.h"
#include "worker/data/open_tokenizer.h"
#include "worker/data/tokenizer.h"
#include "worker/json/strict_json.h"
#include "worker/snapshot/checkpoint.h"
#include "worker/train/options.h"

namespace podium {
namespace {

constexpr uint64_t kConfigBytes = 64 << 20;
constexpr const char* kModelFile = "source.spm";

// "balanced" gives the training texts weights whose mean is 1. Where a text may have several labels, a label's weight
// is that of its decision for every text: then the mean over labels is 1.
std::vector<float> class_weights(const Settings& settings, const LabelledTexts& texts) {
  if (settings.classification.class_weights == Settings::Classification::ClassWeights::kNone) return {};
  const std::vector<double> weights = balanced_class_weights(label_counts(texts.train, texts.labels.size()));
  double sum = 0;
  for (double weight : weights) sum += weight;
  const double scale = texts.multi_label ? static_cast<double>(weights.size()) / sum : 1;
  std::vector<float> result;
  for (double weight : weights) result.push_back(static_cast<float>(weight * scale));
  return result;
}

ClassifierLabels labels_of(const Settings& settings, const LabelledTexts& texts) {
  return {texts.labels,
          {texts.multi_label, class_weights(settings, texts), settings.classification.prediction_threshold}};
}

std::string train_vocabulary(Settings::Vocabulary settings, const std::vector<LabelledText>& texts) {
  std::vector<std::string_view> views;
  for (const LabelledText& text : texts) views.push_back(text.text);
  TokenizerOptions options;
  options.size = settings.size;
  options.kind = settings.kind == Settings::Vocabulary::Kind::kBpe ? TokenizerOptions::Kind::kBpe
                                                                   : TokenizerOptions::Kind::kUnigram;
  options.character_coverage = settings.character_coverage;
  try {
    return Tokenizer::train(views, options);
  } catch (const VocabularyTooLarge& error) {
    if (error.largest >= options.size) throw;
    options.size = error.largest;
    return Tokenizer::train(views, options);
  }
}

// source.spm, and what stands for what in it. transformers has no class that reads such a vocabulary for BERT.
SmallFiles sentence_piece_files(const Tokenizer& tokenizer, int64_t longest) {
  const nlohmann::ordered_json config = {{"tokenizer_type", "SentencePiece"},
                                         {"vocabulary_file", kModelFile},
                                         {"cls_token", "</s>"},
                                         {"sep_token", "</s>"},
                                         {"unk_token", "<unk>"},
                                         {"pad_token", "<pad>"},
                                         {"pad_token_id", tokenizer.pad_id()},
                                         {"model_max_length", longest}};
  return {{kModelFile, tokenizer.model()}, {"tokenizer_config.json", config.dump(2) + "\n"}};
}

void take_dropout(const Settings& settings, BertConfig& config) {
  const double times = settings.classification.dropout_multiplier;
  config.dropout = static_cast<float>(settings.model.dropout * times);
  config.attention_dropout = static_cast<float>(settings.model.attention_dropout * times);
  config.classifier_dropout = config.dropout;
}

void take_dropout(const Settings& settings, Gpt2Config& config) {
  const double times = settings.classification.dropout_multiplier;
  config.dropout = static_cast<float>(settings.model.dropout * times);
  config.attention_dropout = static_cast<float>(settings.model.attention_dropout * times);
}

ClassifierStart from_settings(const Settings& settings, const LabelledTexts& texts, TrainingDisplay& display) {
  display.begin_phase("training the vocabulary");
  const auto tokenizer =
      std::make_shared<const Tokenizer>(train_vocabulary(settings.vocabulary, texts.train), kModelFile);
  display.end_phase();
  BertConfig bert = bert_config_of(settings);
  bert.vocabulary = tokenizer->size();
  bert.pad_id = tokenizer->pad_id();
  ClassifierStart start;
  start.config.body = bert;
  start.tokenizer_files = sentence_piece_files(*tokenizer, settings.model.maximum_positions);
  start.tokenizer = tokenizer;
  return start;
}

ClassifierStart from_folder(const Settings& settings, const fs::path& folder) {
  const fs::path config_path = folder / "config.json";
  ClassifierStart start;
  start.config = parse_classifier_config(read_file(config_path, kConfigBytes), config_path.string());
  std::visit([&](auto& body) { take_dropout(settings, body); }, start.config.body);
  start.tokenizer = open_tokenizer(folder);
  if (start.tokenizer->size() > vocabulary_of(start.config))
    throw Error("{}: the tokenizer has {} tokens, config.json says {}", folder.string(), start.tokenizer->size(),
                vocabulary_of(start.config));
  if (const auto* trained_here = dynamic_cast<const Tokenizer*>(start.tokenizer.get()))
    start.tokenizer_files = sentence_piece_files(*trained_here, maximum_positions_of(start.config));
  else
    for (TokenizerFile& file : start.tokenizer->files())
      start.tokenizer_files.emplace_back(std::move(file.name), std::move(file.content));
  return start;
}

bool is_of_head(const std::string& parameter) {
  return parameter.starts_with("classifier.") || parameter.starts_with("score.");
}

std::string names_and_more(const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  const size_t shown = std::min(kShown, names.size());
  return fmt::format("{}{}", fmt::join(names.begin(), names.begin() + static_cast<int64_t>(shown), ", "),
                     names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "");
}

}  // namespace

BertConfig bert_config_of(const Settings& settings) {
  const Settings::Model& model = settings.model;
  BertConfig config;
  config.layers = static_cast<int>(model.encoder_layers);
  config.width = model.embedding_size;
  config.feed_forward_size = model.feed_forward_size;
  config.heads = static_cast<int>(model.heads);
  config.activation = activation_of(model);
  config.maximum_positions = model.maximum_positions;
  take_dropout(settings, config);
  return config;
}

ClassifierStart start_classifier(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                                 const LabelledTexts& texts, TrainingDisplay& display) {
  const std::string& initial = settings.model.initial_weights;
  ClassifierStart start = snapshot_folder    ? from_folder(settings, *snapshot_folder)
                          : !initial.empty() ? from_folder(settings, initial)
                                             : from_settings(settings, texts, display);
  if (settings.dataset.maximum_tokens > maximum_positions_of(start.config))
    throw Error("dataset.maximum_tokens: found {}, expected at most {}, the positions of the model in {}",
                settings.dataset.maximum_tokens, maximum_positions_of(start.config),
                snapshot_folder ? snapshot_folder->string() : initial);
  start.config.labels = labels_of(settings, texts);
  const bool sentence_pieces = dynamic_cast<const Tokenizer*>(start.tokenizer.get()) != nullptr;
  start.vocabulary = fmt::format("{} vocabulary of {}",
                                 sentence_pieces                      ? "SentencePiece"
                                 : start.tokenizer->special_ids().cls ? "WordPiece"
                                                                      : "byte-level BPE",
                                 start.tokenizer->size());
  return start;
}

std::vector<std::string> read_initial_weights(const Settings& settings, const ClassifierConfig& config,
                                              const ParameterSet& parameters, std::span<float> weights) {
  const fs::path folder = settings.model.initial_weights, config_path = folder / "config.json";
  const bool same_labels =
      parse_classifier_config(read_file(config_path, kConfigBytes), config_path.string()).labels.names ==
      config.labels.names;
  const auto name_of = [&](const std::string& tensor) {
    const std::string name = parameter_name(config, tensor);
    return is_of_head(name) && !same_labels ? "" : name;
  };
  const CheckpointReport report = read_checkpoint(folder, parameters, name_of, weights);
  for (const std::string& name : report.missing)
    if (!is_of_head(name) && !name.starts_with("bert.pooler."))
      throw Error("{}: model.safetensors has no {}", folder.string(), name);
  std::vector<std::string> lines;
  if (!report.missing.empty())
    lines.push_back(fmt::format("{}: begin fresh: {}", folder.string(), names_and_more(report.missing)));
  if (!report.ignored.empty())
    lines.push_back(fmt::format("{}: not used: {}", folder.string(), names_and_more(report.ignored)));
  return lines;
}

}  // namespace podium
