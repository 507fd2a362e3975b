#include "worker/tasks/language_model/language_model_data.h"

#include <algorithm>
#include <utility>

#include "worker/base/hash.h"
#include "worker/console/format.h"
#include "worker/data/bad_data.h"
#include "worker/data/byte_level_bpe_trainer.h"
#include "worker/data/shards.h"
#include "worker/data/tokenizer.h"
#include "worker/model/gpt2_format.h"
#include "worker/snapshot/snapshot_folder.h"
#include "worker/tasks/example_file.h"
#include "worker/train/options.h"

namespace podium {
namespace {

constexpr uint64_t kConfigBytes = 1 << 20, kInfoFileBytes = 1 << 20;

fs::path example_part(const Settings::Dataset& dataset, const char* part, const char* extension) {
  const std::string& language = dataset.language;
  return example_file(dataset, fmt::format("{}.text.{}.{}", part, language, extension),
                      fmt::format("worker/data/example_corpus/fetch.sh text {} {}", language, dataset.cache_folder));
}

DocumentCorpusOptions corpus_options(const Settings::Dataset& dataset, TrainingDisplay& display) {
  DocumentCorpusOptions options;
  const bool example = dataset.train.empty();
  auto part = [&](const char* name, const std::vector<std::string>& files) {
    return example ? std::vector<std::string>{example_part(dataset, name, "txt").string()} : files;
  };
  options.train = part("train", dataset.train);
  options.validation = part("validation", dataset.validation);
  options.test = part("test", dataset.test);
  options.text_column = dataset.text_column;
  options.validation_fraction = dataset.validation_fraction;
  options.test_fraction = dataset.test_fraction;
  options.split_seed = dataset.split_seed;
  options.max_bad_fraction = dataset.max_bad_fraction;
  options.fetch.cache_folder = dataset.cache_folder;
  options.fetch.sha256 = dataset.sha256;
  options.fetch.http.total_timeout = std::chrono::seconds(dataset.fetch_timeout_seconds);
  options.fetch.http.progress = [&display](uint64_t received, uint64_t total) {
    const double size = static_cast<double>(total);
    display.activity(fmt::format("downloading {:.1f} of {:.1f} MB", static_cast<double>(received) * 1e-6, size * 1e-6),
                     total == 0 ? -1 : static_cast<double>(received) / size);
  };
  return options;
}

// Where the texts have fewer tokens than were asked for, as many as there are.
ByteLevelBpe train_tokenizer(int64_t size, const std::vector<std::string>& documents) {
  const std::vector<std::string_view> texts(documents.begin(), documents.end());
  while (true) try {
      return train_byte_level_bpe(texts, size);
    } catch (const VocabularyTooLarge& error) {
      if (error.largest >= size) throw;
      size = error.largest;
    }
}

// The model in `folder`, as this run trains it.
Gpt2Config config_of(const fs::path& folder, const Settings& settings, const TextTokenizer& tokenizer) {
  const fs::path path = folder / "config.json";
  Gpt2Config config = parse_gpt2_config(read_file(path, kConfigBytes), path.string());
  const bool backward = settings.language_model.direction == Settings::LanguageModel::Direction::kBackward;
  if (config.backward != backward)
    throw Error("{}: the model reads texts {}, but language_model.direction is {}", path.string(),
                config.backward ? "backward" : "forward", backward ? "backward" : "forward");
  if (tokenizer.size() > config.vocabulary)
    throw Error("{}: the tokenizer has {} tokens, \"vocab_size\" is {}", path.string(), tokenizer.size(),
                config.vocabulary);
  config.dropout = static_cast<float>(settings.model.dropout);
  config.attention_dropout = static_cast<float>(settings.model.attention_dropout);
  return config;
}

}  // namespace

Gpt2Config gpt2_config(const Settings& settings, int64_t vocabulary) {
  const Settings::Model& model = settings.model;
  Gpt2Config config;
  config.vocabulary = vocabulary;
  config.layers = static_cast<int>(model.decoder_layers);
  config.embedding_size = model.embedding_size;
  config.feed_forward_size = model.feed_forward_size;
  config.heads = static_cast<int>(model.heads);
  config.maximum_positions = model.maximum_positions;
  config.dropout = static_cast<float>(model.dropout);
  config.attention_dropout = static_cast<float>(model.attention_dropout);
  config.activation = activation_of(model);
  config.tie_output = model.tie_output;
  config.backward = settings.language_model.direction == Settings::LanguageModel::Direction::kBackward;
  config.end_of_text = static_cast<int32_t>(vocabulary - 1);
  return config;
}

LanguageModelData load_language_model_data(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                                           TrainingDisplay& display) {
  display.begin_phase("reading the data");
  DocumentCorpus corpus = load_document_corpus(corpus_options(settings.dataset, display));
  display.end_phase();

  LanguageModelData data;
  std::optional<fs::path> folder = snapshot_folder;
  if (!folder && !settings.model.initial_weights.empty())
    folder = verify_snapshot_folder(settings.model.initial_weights).path;
  if (folder) {
    data.tokenizer = std::make_unique<ByteLevelBpe>(ByteLevelBpe::read(*folder));
    data.config = config_of(*folder, settings, *data.tokenizer);
  } else {
    display.begin_phase("training the tokenizer");
    data.tokenizer = std::make_unique<ByteLevelBpe>(train_tokenizer(settings.vocabulary.size, corpus.train));
    display.end_phase();
    data.config = gpt2_config(settings, data.tokenizer->size());
    data.vocabulary_asked_for_ = settings.vocabulary.size;
  }

  std::string hashed = corpus.sha256;
  for (const TokenizerFile& file : data.tokenizer->files()) hashed += sha256_hex(file.content);
  data.sha256 = sha256_hex(hashed);
  if (settings.dataset.train.empty())
    data.description = read_file(example_part(settings.dataset, "info", "json"), kInfoFileBytes);
  data.block_length_ = std::min(settings.model.maximum_positions, data.config.maximum_positions);
  auto pack = [&](const std::vector<std::string>& documents) {
    return pack_documents(documents, *data.tokenizer, data.block_length_, data.config.end_of_text,
                          data.config.backward);
  };
  data.train_ = pack(corpus.train);
  data.validation_ = pack(corpus.validation);
  data.sizes_ = data.train_.sizes();
  data.train_documents_ = std::ssize(corpus.train);
  data.validation_documents_ = std::ssize(corpus.validation);
  data.test_documents_ = std::ssize(corpus.test);
  data.test_is_validation = corpus.test.empty();
  data.test = std::move(data.test_is_validation ? corpus.validation : corpus.test);
  data.report_ = std::move(corpus.report);
  data.dropped_leaks_ = corpus.dropped_leaks;
  data.batch_options_ = batch_options(settings);
  return data;
}

TokenBlocks LanguageModelData::test_blocks() const {
  return pack_documents(test, *tokenizer, block_length_, config.end_of_text, config.backward);
}

BatchPlan LanguageModelData::plan_epoch(const Progress& progress) const {
  BatchOptions options = batch_options_;
  options.batch_size = progress.global_batch;
  return make_batch_plan(progress.seed, progress.epoch, sizes_, options);
}

void LanguageModelData::fill_shards(std::span<const int32_t> batch, int64_t count, int64_t first,
                                    std::span<Shard> shards) const {
  const ShardCut cut = cut_into_shards(batch, sizes_, count);
  for (size_t i = 0; i < shards.size(); ++i) train_.fill(cut.shard(first + static_cast<int64_t>(i)), shards[i]);
}

int64_t LanguageModelData::token_count(std::span<const int32_t> batch) const {
  int64_t tokens = 0;
  for (int32_t block : batch) tokens += sizes_[static_cast<size_t>(block)].target;
  return tokens;
}

std::vector<std::string> LanguageModelData::summary(const Progress& progress) const {
  std::vector<std::string> lines;
  const bool fewer = tokenizer->size() < vocabulary_asked_for_;
  lines.push_back(fmt::format(
      "data: {} training, {} validation, {} test documents; {} tokens in {} blocks of {}; vocabulary of {}{}",
      train_documents_, validation_documents_, test_documents_, format_si(static_cast<double>(train_.tokens())),
      train_.count(), block_length_, tokenizer->size(),
      fewer ? fmt::format(" (this text has no {})", vocabulary_asked_for_) : ""));
  lines.push_back(fmt::format("batches: {} an epoch in {} shards each, packed: 0% padding",
                              plan_epoch(progress).count(), progress.shards));
  if (report_.bad() > 0) lines.push_back(report_.text());
  if (dropped_leaks_ > 0)
    lines.push_back(fmt::format("{} held-out documents dropped: they occur in training", dropped_leaks_));
  return lines;
}

}  // namespace podium
