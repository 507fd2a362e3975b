#include "worker/tasks/translation/translations.h"

#include <algorithm>

#include "worker/decode/translator.h"
#include "worker/train/agreement.h"

namespace podium {

std::vector<std::string> translate(const TranslationWork& work, std::span<const SentencePair> pairs) {
  const auto& [step, world, weights, stop] = work.ranks;
  std::vector<std::string> sources;
  for (const SentencePair& pair : pairs) sources.push_back(pair.source);
  GenerationOptions options;
  options.max_new_tokens = std::max<int64_t>(1, work.maximum_tokens - 1);
  options.stop = stop;
  options.first_batch = world.rank();
  options.every_batch = world.size();
  const std::vector<std::string> mine =
      first_texts(translate(work.model, weights, *work.data.source_vocabulary, *work.data.target_vocabulary,
                            step.executor().threads, sources, options));
  std::vector<std::string> all(mine.size());
  step.waits_for_others();
  for (const std::vector<std::string>& theirs : gather_texts(world, mine))
    for (size_t i = 0; i < all.size(); ++i)
      if (!theirs[i].empty()) all[i] = theirs[i];
  return all;
}

BleuScore bleu(const TranslationWork& work, std::span<const SentencePair> pairs) {
  std::vector<std::vector<std::string>> references;
  for (const SentencePair& pair : pairs) references.push_back({pair.target});
  return corpus_bleu(translate(work, pairs), references);
}

}  // namespace podium
