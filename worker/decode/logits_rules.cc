#include "worker/decode/logits_rules.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace podium {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// Once for each token, however often it occurred.
void penalize_repetition(float penalty, std::span<const int32_t> generated, std::span<float> scores) {
  std::vector<int32_t> seen(generated.begin(), generated.end());
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  for (int32_t token : seen) {
    float& score = scores[static_cast<size_t>(token)];
    score = score < 0 ? score * penalty : score / penalty;
  }
}

// Where the last n-1 tokens stood before, the token behind them must not follow again.
void forbid_repeated_ngrams(size_t n, std::span<const int32_t> generated, std::span<float> scores) {
  if (generated.size() < n) return;
  const std::span<const int32_t> newest = generated.last(n - 1);
  for (size_t begin = 0; begin + n <= generated.size(); ++begin) {
    const std::span<const int32_t> ngram = generated.subspan(begin, n);
    if (std::equal(newest.begin(), newest.end(), ngram.begin())) scores[static_cast<size_t>(ngram.back())] = kNever;
  }
}

}  // namespace

void apply_logits_rules(const GenerationOptions& options, std::span<const int32_t> generated, int32_t pad,
                        std::span<float> scores) {
  if (options.repetition_penalty != 1)
    penalize_repetition(static_cast<float>(options.repetition_penalty), generated, scores);
  if (options.no_repeat_ngram_size > 0)
    forbid_repeated_ngrams(static_cast<size_t>(options.no_repeat_ngram_size), generated, scores);
  scores[static_cast<size_t>(pad)] = kNever;
  if (std::ssize(generated) < options.min_new_tokens) scores[static_cast<size_t>(options.eos)] = kNever;
}

}  // namespace podium
