// Translations of held-out sentences, shared out among the ranks.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "worker/metrics/bleu.h"
#include "worker/model/transformer.h"
#include "worker/tasks/translation/translation_data.h"
#include "worker/train/task.h"

namespace podium {

struct TranslationWork {
  const SharedWork& ranks;
  const Transformer& model;
  const TranslationData& data;  // its vocabularies
  int64_t maximum_tokens;       // of a translation, with the decoder's start
};

// The greedy translations of the pairs' sources.
std::vector<std::string> translate(const TranslationWork& work, std::span<const SentencePair> pairs);
// Their BLEU.
BleuScore bleu(const TranslationWork& work, std::span<const SentencePair> pairs);

}  // namespace podium
