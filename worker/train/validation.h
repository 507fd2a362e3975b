// How good the model is on pairs that it was not trained on.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "worker/metrics/bleu.h"
#include "worker/train/gradient_step.h"
#include "worker/train/translation_data.h"

namespace podium {

struct ValidationResult {
  double loss = 0;  // mean negative log-likelihood of a target token, without label smoothing
  double accuracy = 0;
  std::optional<double> bleu;
};

class Validator {
 public:
  // `bleu_sentences` of the validation pairs, evenly spaced, are translated for BLEU (0: none).
  Validator(const TranslationData& data, const Transformer& model, Communicator& world, int64_t bleu_sentences,
            int64_t maximum_tokens);

  bool has_data() const { return !shards_.empty(); }

  // What follows is shared out among the ranks, which all call it together and get the same result. Once `stop` returns
  // true at any of them, the work is cut short, and the result means nothing.

  // Teacher-forced loss and accuracy on all validation pairs, BLEU of greedy translations.
  ValidationResult run(GradientStep& step, FlatParameters weights, const std::function<bool()>& stop) const;

  // BLEU of the pairs' greedy translations.
  BleuScore bleu(GradientStep& step, FlatParameters weights, std::span<const SentencePair> pairs,
                 const std::function<bool()>& stop) const;
  std::vector<std::string> translate(GradientStep& step, FlatParameters weights, std::span<const SentencePair> pairs,
                                     const std::function<bool()>& stop) const;

 private:
  const TranslationData& data_;
  const Transformer& model_;
  Communicator& world_;
  int64_t maximum_tokens_;
  std::vector<TranslationShard> shards_;
  std::vector<SentencePair> bleu_pairs_;
};

}  // namespace podium
