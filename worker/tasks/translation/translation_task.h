// Translation with the encoder-decoder Transformer: sentence pairs, two vocabularies, BLEU.
#pragma once

#include "worker/model/transformer.h"
#include "worker/tasks/translation/translation_data.h"
#include "worker/train/task.h"

namespace podium {

TransformerConfig transformer_config(const Settings& settings, int64_t source_vocabulary, int64_t target_vocabulary);

class TranslationTask : public Task {
 public:
  // Fetches and reads the data. Vocabularies come from `snapshot_folder`, where there is one, else they are trained.
  // Throws Error when the settings do not fit each other, or data cannot be had or used.
  TranslationTask(const Settings& settings, const std::optional<fs::path>& snapshot_folder, TrainingDisplay& display);

  const Model& model() const override { return model_; }
  std::string model_text() const override;
  const std::string& data_hash() const override { return data_.sha256; }
  std::vector<std::string> data_summary(const Progress& progress) const override { return data_.summary(progress); }
  BatchPlan plan_epoch(const Progress& progress) const override { return data_.plan_epoch(progress); }
  void fill_shards(std::span<const int32_t> batch, int64_t count, int64_t first,
                   std::span<Shard> shards) const override {
    data_.fill_shards(batch, count, first, shards);
  }
  int64_t token_count(std::span<const int32_t> batch) const override { return data_.token_count(batch); }
  std::span<const Shard> validation_shards() const override { return validation_shards_; }
  // BLEU of validation.bleu_sentences of the validation pairs, evenly spaced.
  std::vector<TaskMetric> validation_metrics(const SharedWork& work, const CrossEntropySums& sums) const override;
  SmallFiles snapshot_files() const override;
  // BLEU of the test pairs (where there are none, the validation pairs), and a few of them.
  void show_results(const SharedWork& work, TrainingDisplay& display) const override;

 private:
  const Settings settings_;
  const TranslationData data_;
  const Transformer model_;
  std::vector<Shard> validation_shards_;
  std::vector<SentencePair> bleu_pairs_;
};

}  // namespace podium
