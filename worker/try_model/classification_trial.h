// Trying a classifier: the labels of lines, and how many of a table's it gets right.
#pragma once

#include "worker/classify/classifier.h"
#include "worker/try_model/trial.h"

namespace podium {

class ClassificationTrial : public Trial {
 public:
  ClassificationTrial(const fs::path& folder, const TrialOptions& options, ThreadPool& threads);

  std::string introduction() const override;
  // "swriter 0.9312": the likeliest label and its probability; of labels that go together those from the threshold on,
  // "urgent 0.9312, question 0.6100", or "-".
  std::vector<std::string> answer(std::span<const std::string> lines) override;
  // With --score: the table of a file with the columns that the run read.
  std::optional<std::string> report() override;

 private:
  const TrialOptions& options_;
  ThreadPool& threads_;
  Classifier classifier_;
};

}  // namespace podium
