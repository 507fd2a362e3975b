// The data of a translation run: pairs, vocabularies, token ids, and how an epoch is cut into batches and shards.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "configuration/settings.h"
#include "worker/console/training_display.h"
#include "worker/data/batch_plan.h"
#include "worker/data/corpus.h"
#include "worker/data/shards.h"
#include "worker/train/training_state.h"

namespace podium {

class TranslationData {
 public:
  std::vector<SentencePair> validation, test;  // as text
  std::unique_ptr<Tokenizer> source_vocabulary, target_vocabulary;
  std::string sha256;       // of pairs and vocabularies
  std::string description;  // where the example corpus came from: packages, versions, SHA-256 of its files; else empty

  const TokenizedPairs& train_pairs() const { return train_; }
  const TokenizedPairs& validation_pairs() const { return validation_; }

  // The batches of the epoch that `progress` is in.
  BatchPlan plan_epoch(const Progress& progress) const;
  // Cuts a batch into `count` shards and fills `shards` with those from `first` on.
  void fill_shards(std::span<const int32_t> batch, int64_t count, int64_t first, std::span<Shard> shards) const;
  // Source and target tokens of a batch.
  int64_t token_count(std::span<const int32_t> batch) const;

  // What a person should know of the data.
  std::vector<std::string> summary(const Progress& progress) const;

 private:
  friend TranslationData load_translation_data(const Settings&, const std::optional<fs::path>&, TrainingDisplay&);
  BatchOptions batch_options_;
  TokenizedPairs train_, validation_;
  LineReport report_;
  int64_t dropped_leaks_ = 0, vocabulary_asked_for_ = 0;
};

// Fetches and reads the files of settings.dataset, and trains the vocabularies, or takes them from a snapshot's folder.
// Throws Error when data cannot be had or too much of it is bad.
TranslationData load_translation_data(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                                      TrainingDisplay& display);

}  // namespace podium
