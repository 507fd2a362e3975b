#include "worker/decode/logits_rules.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace podium {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// Once for each token, however often it occurred.
void penalize_repetition(float penalty, std::span<const int32_t> tokens, std::span<float> scores) {
  std::vector<int32_t> seen(tokens.begin(), tokens.end());
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  for (int32_t token : seen) {
    float& score = scores[static_cast<size_t>(token)];
    score = score < 0 ? score * penalty : score / penalty;
  }
}

// Where the last n-1 tokens stood before, the token behind them must not follow again.
void forbid_repeated_ngrams(size_t n, std::span<const int32_t> tokens, std::span<float> scores) {
  if (tokens.size() < n) return;
  const std::span<const int32_t> newest = tokens.last(n - 1);
  for (size_t begin = 0; begin + n <= tokens.size(); ++begin) {
    const std::span<const int32_t> ngram = tokens.subspan(begin, n);
    if (std::equal(newest.begin(), newest.end(), ngram.begin())) scores[static_cast<size_t>(ngram.back())] = kNever;
  }
}

}  // namespace

void apply_logits_rules(const GenerationOptions& options, std::span<const int32_t> prompt,
                        std::span<const int32_t> generated, int32_t forbidden, std::span<float> scores) {
  const bool penalizes = options.repetition_penalty != 1, forbids = options.no_repeat_ngram_size > 0;
  if (penalizes || forbids) {
    std::vector<int32_t> tokens(prompt.begin(), prompt.end());
    tokens.insert(tokens.end(), generated.begin(), generated.end());
    if (penalizes) penalize_repetition(static_cast<float>(options.repetition_penalty), tokens, scores);
    if (forbids) forbid_repeated_ngrams(static_cast<size_t>(options.no_repeat_ngram_size), tokens, scores);
  }
  if (forbidden >= 0) scores[static_cast<size_t>(forbidden)] = kNever;
  if (std::ssize(generated) < options.min_new_tokens) scores[static_cast<size_t>(options.eos)] = kNever;
}

}  // namespace podium
