#include "worker/data/sentence_pair.h"

#include <string_view>
#include <unordered_set>

namespace podium {

int64_t drop_leaks(const std::vector<SentencePair>& train, std::vector<SentencePair>& held_out) {
  std::unordered_set<std::string_view> sources, targets;
  for (const SentencePair& pair : train) {
    sources.insert(pair.source);
    targets.insert(pair.target);
  }
  return static_cast<int64_t>(std::erase_if(held_out, [&](const SentencePair& pair) {
    return sources.contains(pair.source) || targets.contains(pair.target);
  }));
}

}  // namespace podium
