// A trained classifier out of a snapshot's folder.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "worker/base/file.h"
#include "worker/base/thread_pool.h"
#include "worker/classify/classifier_config.h"
#include "worker/classify/text_encoder.h"

namespace podium {

class Classifier {
 public:
  // Throws Error naming the file that is missing, damaged, or does not fit the others.
  static Classifier open(const fs::path& folder);

  // The probabilities (texts, labels). Texts longer than the model's positions are cut.
  std::vector<float> probabilities(ThreadPool& threads, std::span<const std::string> texts) const;
  const ClassifierLabels& labels() const { return model_->labels(); }
  const TextClassifier& model() const { return *model_; }
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
  std::unique_ptr<TextClassifier> model_;
  std::unique_ptr<TextEncoder> encoder_;
  std::vector<float> weights_;
};

}  // namespace podium
