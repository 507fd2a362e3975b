#include "worker/tasks/translation/translation_data.h"

#include "worker/base/hash.h"
#include "worker/console/format.h"
#include "worker/tasks/example_file.h"
#include "worker/train/options.h"

namespace podium {
namespace {

constexpr uint64_t kVocabularyFileBytes = 64 << 20;
constexpr uint64_t kInfoFileBytes = 1 << 20;

fs::path example_path(const Settings::Dataset& dataset, const char* part, const char* extension) {
  return example_file(dataset,
                      fmt::format("{}.{}-{}.{}", part, dataset.source_language, dataset.target_language, extension),
                      "make corpus");
}

std::vector<std::string> example_part(const Settings::Dataset& dataset, const char* part) {
  return {example_path(dataset, part, "tsv").string()};
}

CorpusOptions corpus_options(const Settings::Dataset& dataset, TrainingDisplay& display) {
  CorpusOptions options;
  const bool example = dataset.train.empty();
  options.train = example ? example_part(dataset, "train") : dataset.train;
  options.validation = example ? example_part(dataset, "validation") : dataset.validation;
  options.test = example ? example_part(dataset, "test") : dataset.test;
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

std::string train_vocabulary(const Settings::Vocabulary& settings, std::span<const std::string_view> texts) {
  TokenizerOptions options;
  options.size = settings.size;
  options.kind = settings.kind == Settings::Vocabulary::Kind::kBpe ? TokenizerOptions::Kind::kBpe
                                                                   : TokenizerOptions::Kind::kUnigram;
  options.character_coverage = settings.character_coverage;
  return Tokenizer::train(texts, options);
}

// The bytes of source.spm and target.spm. Where the texts have fewer pieces than were asked for, as many as there are:
// of two vocabularies, which are of one size, as many as the poorer text has.
std::pair<std::string, std::string> train_vocabularies(Settings::Vocabulary settings,
                                                       const std::vector<SentencePair>& pairs) {
  std::vector<std::string_view> sources, targets;
  for (const SentencePair& pair : pairs) {
    sources.push_back(pair.source);
    targets.push_back(pair.target);
  }
  if (settings.shared) sources.insert(sources.end(), targets.begin(), targets.end());
  while (true) try {
      std::string source = train_vocabulary(settings, sources);
      std::string target = settings.shared ? source : train_vocabulary(settings, targets);
      return {std::move(source), std::move(target)};
    } catch (const VocabularyTooLarge& error) {
      if (error.largest >= settings.size) throw;
      settings.size = error.largest;
    }
}

}  // namespace

TranslationData load_translation_data(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                                      TrainingDisplay& display) {
  display.begin_phase("reading the data");
  Corpus corpus = load_corpus(corpus_options(settings.dataset, display));
  display.end_phase();

  TranslationData data;
  std::pair<std::string, std::string> vocabularies;
  if (snapshot_folder) {
    vocabularies = {read_file(*snapshot_folder / "source.spm", kVocabularyFileBytes),
                    read_file(*snapshot_folder / "target.spm", kVocabularyFileBytes)};
  } else {
    display.begin_phase(settings.vocabulary.shared ? "training the vocabulary" : "training the vocabularies");
    vocabularies = train_vocabularies(settings.vocabulary, corpus.train);
    display.end_phase();
  }
  data.vocabulary_asked_for_ = settings.vocabulary.size;
  data.source_vocabulary = std::make_unique<Tokenizer>(vocabularies.first, "source.spm");
  data.target_vocabulary = std::make_unique<Tokenizer>(vocabularies.second, "target.spm");
  data.sha256 = sha256_hex(corpus.sha256 + sha256_hex(vocabularies.first) + sha256_hex(vocabularies.second));

  if (settings.dataset.train.empty())
    data.description = read_file(example_path(settings.dataset, "info", "json"), kInfoFileBytes);
  data.report_ = std::move(corpus.report);
  auto tokenize = [&](const std::vector<SentencePair>& pairs, const std::string& file) {
    return tokenize_pairs(pairs, *data.source_vocabulary, *data.target_vocabulary, settings.dataset.maximum_tokens,
                          file, data.report_);
  };
  data.train_ = tokenize(corpus.train, corpus.train_file);
  data.validation_ = tokenize(corpus.validation, corpus.validation_file);
  data.report_.check(settings.dataset.max_bad_fraction);
  if (data.train_.count() == 0)
    throw BadData("{}: no pair is left to train on; {}", corpus.train_file, data.report_.text());
  data.validation = std::move(corpus.validation);
  data.test = std::move(corpus.test);
  data.dropped_leaks_ = corpus.dropped_leaks;
  data.batch_options_ = batch_options(settings);
  return data;
}

BatchPlan TranslationData::plan_epoch(const Progress& progress) const {
  BatchOptions options = batch_options_;
  options.batch_size = progress.global_batch;
  return make_batch_plan(progress.seed, progress.epoch, train_.sizes(), options);
}

void TranslationData::fill_shards(std::span<const int32_t> batch, int64_t count, int64_t first,
                                  std::span<Shard> shards) const {
  const ShardCut cut = cut_into_shards(batch, train_.sizes(), count);
  for (size_t i = 0; i < shards.size(); ++i)
    fill_shard(train_, cut.shard(first + static_cast<int64_t>(i)), target_vocabulary->pad_id(), shards[i]);
}

int64_t TranslationData::token_count(std::span<const int32_t> batch) const {
  int64_t tokens = 0;
  for (int32_t pair : batch) tokens += train_.source_length(pair) + train_.target_length(pair);
  return tokens;
}

std::vector<std::string> TranslationData::summary(const Progress& progress) const {
  const BatchPlan plan = plan_epoch(progress);
  PaddingCount padding;
  std::vector<Shard> shards(static_cast<size_t>(progress.shards));
  for (int64_t i = 0; i < plan.count(); ++i) {
    fill_shards(plan.batch(i), progress.shards, 0, shards);
    for (const Shard& shard : shards) padding.add(shard);
  }
  std::vector<std::string> lines;
  lines.push_back(fmt::format(
      "data: {} training, {} validation, {} test pairs; {} tokens; vocabularies of {}{}", train_.count(),
      validation.size(), test.size(), format_si(static_cast<double>(train_.source_tokens() + train_.target_tokens())),
      source_vocabulary->size(),
      source_vocabulary->size() < vocabulary_asked_for_ ? fmt::format(" (this text has no {})", vocabulary_asked_for_)
                                                        : ""));
  lines.push_back(
      fmt::format("batches: {} an epoch in {} shards each, packed: 0% padding ({:.1f}% if padded to the longest)",
                  plan.count(), progress.shards, 100 * padding.share()));
  if (report_.bad() > 0) lines.push_back(report_.text());
  if (dropped_leaks_ > 0)
    lines.push_back(
        fmt::format("{} held-out pairs dropped: their source or target occurs in training", dropped_leaks_));
  return lines;
}

}  // namespace podium
