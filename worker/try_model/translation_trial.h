// Trying a translation model: translations of lines, BLEU and chrF, attention.
#pragma once

#include "worker/decode/translator.h"
#include "worker/try_model/trial.h"

namespace podium {

class TranslationTrial : public Trial {
 public:
  TranslationTrial(const fs::path& folder, const TrialOptions& options, ThreadPool& threads);

  std::string introduction() const override;
  std::vector<std::string> answer(std::span<const std::string> lines) override;
  std::optional<std::string> report() override;

 private:
  std::string score();

  const TrialOptions& options_;
  ThreadPool& threads_;
  GenerationOptions generation_;
  Translator translator_;
};

}  // namespace podium
