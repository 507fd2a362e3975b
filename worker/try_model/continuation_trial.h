// Trying a language model: continuations of lines, the perplexity of texts.
#pragma once

#include "worker/decode/text_generator.h"
#include "worker/try_model/trial.h"

namespace podium {

class ContinuationTrial : public Trial {
 public:
  ContinuationTrial(const fs::path& folder, const TrialOptions& options, ThreadPool& threads);

  std::string introduction() const override;
  std::vector<std::string> answer(std::span<const std::string> lines) override;
  std::optional<std::string> report() override;

 private:
  const TrialOptions& options_;
  ThreadPool& threads_;
  GenerationOptions generation_;
  TextGenerator generator_;
};

}  // namespace podium
