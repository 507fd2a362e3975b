// Language modelling with GPT-2: documents, a byte-level BPE vocabulary, perplexity.
#pragma once

#include "worker/tasks/language_model/language_model_data.h"
#include "worker/train/task.h"

namespace podium {

class LanguageModelTask : public Task {
 public:
  // Fetches and reads the data (see load_language_model_data). Throws Error when the settings do not fit each other, or
  // data cannot be had or used.
  LanguageModelTask(const Settings& settings, const std::optional<fs::path>& snapshot_folder, TrainingDisplay& display);

  const Model& model() const override { return model_; }
  std::string model_text() const override;
  const std::string& data_hash() const override { return data_.sha256; }
  std::vector<std::string> data_summary(const Progress& progress) const override { return data_.summary(progress); }
  // From model.initial_weights, where it names a folder.
  void initialize(uint64_t seed, std::span<float> weights) const override;
  BatchPlan plan_epoch(const Progress& progress) const override { return data_.plan_epoch(progress); }
  void fill_shards(std::span<const int32_t> batch, int64_t count, int64_t first,
                   std::span<Shard> shards) const override {
    data_.fill_shards(batch, count, first, shards);
  }
  int64_t token_count(std::span<const int32_t> batch) const override { return data_.token_count(batch); }
  std::span<const Shard> validation_shards() const override { return validation_shards_; }
  // Perplexity: e to the mean negative log-likelihood of a token, each document's end included.
  std::vector<TaskMetric> validation_metrics(const SharedWork& work, const CrossEntropySums& sums) const override;
  SmallFiles snapshot_files() const override;
  // The perplexity of the test documents (where there are none, the validation's), and how the model goes on with the
  // beginnings of a few.
  void show_results(const SharedWork& work, TrainingDisplay& display) const override;

 private:
  const Settings settings_;
  const LanguageModelData data_;
  const Gpt2LanguageModel model_;
  std::vector<Shard> validation_shards_;
};

}  // namespace podium
