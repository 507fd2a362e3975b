// Classification of texts, with one label or several each.
#pragma once

#include <memory>

#include "worker/tasks/classification/classification_data.h"
#include "worker/tasks/classification/classifier_start.h"
#include "worker/tasks/classification/labelled_dataset.h"
#include "worker/tasks/classification/predictions.h"

namespace podium {

class ClassificationTask : public Task {
 public:
  // Fetches and reads the data. Vocabulary and sizes as start_classifier() has them. Throws Error when the settings do
  // not fit each other, or data or initial weights cannot be had or used.
  ClassificationTask(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                     TrainingDisplay& display);

  const Model& model() const override { return *model_; }
  std::string model_text() const override { return model_->sizes(); }
  const std::string& data_hash() const override { return data_hash_; }
  std::vector<std::string> data_summary(const Progress& progress) const override;
  // With model.initial_weights, those.
  void initialize(uint64_t seed, std::span<float> weights) const override;
  // With classification.unfreeze_epochs all but the layers whose turn has come: the head from the start, then, after
  // each so many epochs, one layer more from the top, the embeddings last (Howard & Ruder 2018).
  std::vector<std::string> frozen_in_epoch(int64_t epoch) const override;
  BatchPlan plan_epoch(const Progress& progress) const override { return data_->plan_epoch(progress); }
  void fill_shards(std::span<const int32_t> batch, int64_t count, int64_t first,
                   std::span<Shard> shards) const override {
    data_->fill_shards(batch, count, first, shards);
  }
  int64_t token_count(std::span<const int32_t> batch) const override { return data_->token_count(batch); }
  std::span<const Shard> validation_shards() const override { return data_->validation().shards; }
  // macro_f1, micro_f1 and weighted_f1 of the validation texts.
  std::vector<TaskMetric> validation_metrics(const SharedWork& work, const CrossEntropySums& sums) const override;
  SmallFiles snapshot_files() const override;
  // Of the test texts; where there are none, the validation texts.
  SmallFiles evaluation_files(const SharedWork& work) const override;
  // The table of the best snapshot's metrics.json; without texts to validate with, that of the last weights.
  void show_results(const SharedWork& work, TrainingDisplay& display) const override;

 private:
  void show_table(const ClassificationScores& scores, const std::string& by, TrainingDisplay& display) const;
  const HeldOutTexts& measured() const { return data_->test().texts.empty() ? data_->validation() : data_->test(); }

  const Settings settings_;
  ClassifierStart start_;
  std::unique_ptr<const TextClassifier> model_;
  std::unique_ptr<const ClassificationData> data_;
  std::string data_hash_, description_;
  std::vector<std::string> initial_lines_;  // what a person should know of the initial weights
};

}  // namespace podium
