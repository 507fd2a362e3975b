// The data of a classification run: token ids and labels, and how an epoch is cut into batches and shards.
#pragma once

#include <string>
#include <vector>

#include "configuration/settings.h"
#include "worker/classify/text_encoder.h"
#include "worker/data/batch_plan.h"
#include "worker/data/labelled_texts.h"
#include "worker/data/shards.h"
#include "worker/metrics/classification.h"
#include "worker/train/training_state.h"

namespace podium {

// Texts that are measured with, in their order.
struct HeldOutTexts {
  std::vector<std::string> texts;
  std::vector<LabelIds> labels;
  std::vector<Shard> shards;
};

class ClassificationData {
 public:
  ClassificationData(const Settings& settings, LabelledTexts texts, const TextEncoder& encoder);

  const HeldOutTexts& validation() const { return validation_; }
  const HeldOutTexts& test() const { return test_; }

  // The batches of the epoch that `progress` is in.
  BatchPlan plan_epoch(const Progress& progress) const;
  // Cuts a batch into `count` shards and fills `shards` with those from `first` on.
  void fill_shards(std::span<const int32_t> batch, int64_t count, int64_t first, std::span<Shard> shards) const;
  int64_t token_count(std::span<const int32_t> batch) const;

  // What a person should know of the data; `vocabulary` in words.
  std::vector<std::string> summary(const Progress& progress, const std::string& vocabulary) const;

 private:
  void append(int32_t text, Shard& shard) const;

  BatchOptions batch_options_;
  size_t label_count_;
  bool multi_label_;
  PackedSequences train_;
  std::vector<LabelIds> train_labels_;
  std::vector<ExampleSize> sizes_;
  HeldOutTexts validation_, test_;
  LineReport report_;
  int64_t dropped_leaks_ = 0, cut_ = 0, maximum_tokens_ = 0;
};

}  // namespace podium
