// The data of a language model's run: documents, tokenizer, and how an epoch is cut into batches and shards.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "configuration/settings.h"
#include "worker/console/training_display.h"
#include "worker/data/batch_plan.h"
#include "worker/data/document_corpus.h"
#include "worker/data/token_blocks.h"
#include "worker/model/gpt2.h"
#include "worker/train/training_state.h"

namespace podium {

class LanguageModelData {
 public:
  // Sizes of the model: those of the folder that the run goes on from, or those of the settings.
  Gpt2Config config;
  std::unique_ptr<TextTokenizer> tokenizer;
  std::vector<std::string> test;  // documents; where there are none, those of the validation
  bool test_is_validation = false;
  std::string sha256;       // of documents and tokenizer
  std::string description;  // where the example corpus came from; else empty

  const TokenBlocks& train_blocks() const { return train_; }
  const TokenBlocks& validation_blocks() const { return validation_; }
  TokenBlocks test_blocks() const;

  // The batches of the epoch that `progress` is in.
  BatchPlan plan_epoch(const Progress& progress) const;
  // Cuts a batch into `count` shards and fills `shards` with those from `first` on.
  void fill_shards(std::span<const int32_t> batch, int64_t count, int64_t first, std::span<Shard> shards) const;
  int64_t token_count(std::span<const int32_t> batch) const;

  // What a person should know of the data.
  std::vector<std::string> summary(const Progress& progress) const;

 private:
  friend LanguageModelData load_language_model_data(const Settings&, const std::optional<fs::path>&, TrainingDisplay&);
  BatchOptions batch_options_;
  int64_t block_length_ = 0;
  TokenBlocks train_, validation_;
  std::vector<ExampleSize> sizes_;  // of the training blocks
  LineReport report_;
  int64_t train_documents_ = 0, validation_documents_ = 0, test_documents_ = 0, dropped_leaks_ = 0;
  int64_t vocabulary_asked_for_ = 0;
};

// Fetches and reads the files of settings.dataset. Tokenizer and sizes come from `snapshot_folder`, else from the
// folder of model.initial_weights, else the settings have the sizes and the tokenizer is trained. Throws Error when
// data cannot be had or too much of it is bad, and when the folder's model is none that this run could go on from.
LanguageModelData load_language_model_data(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                                           TrainingDisplay& display);

// Of a model that begins with random weights.
Gpt2Config gpt2_config(const Settings& settings, int64_t vocabulary);

}  // namespace podium
