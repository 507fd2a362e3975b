#include "worker/decode/generation_options.h"

#include <algorithm>
#include <cmath>

#include "worker/base/error.h"

namespace podium {
namespace {

// A batch, unless batch_sentences says otherwise. With more hypotheses products are larger and faster; with more
// sentences more of them wait for the longest.
constexpr int64_t kBatchSentences = 32, kBatchHypotheses = 64;
// At most: so the cache's rows, with the longest translations, are counted in 31 bits.
constexpr int64_t kMostHypotheses = 2048, kLongest = 1000000;

// Names are as the `test` program has them.
void require(bool condition, const char* name, double found, const char* expected) {
  if (!condition) throw Error("{}: {}, expected {}", name, found, expected);
}

}  // namespace

void GenerationOptions::check() const {
  require(num_beams >= 1, "--beam", static_cast<double>(num_beams), "at least 1");
  require(num_return_sequences >= 1, "--n-best", static_cast<double>(num_return_sequences), "at least 1");
  require(max_new_tokens >= 1 && max_new_tokens <= kLongest, "--max-tokens", static_cast<double>(max_new_tokens),
          "1 to 1000000");
  require(min_new_tokens >= 0, "--min-tokens", static_cast<double>(min_new_tokens), "at least 0");
  require(std::isfinite(length_penalty), "--length-penalty", length_penalty, "a finite number");
  require(no_repeat_ngram_size >= 0, "--no-repeat-ngram", static_cast<double>(no_repeat_ngram_size), "at least 0");
  require(std::isfinite(repetition_penalty) && repetition_penalty > 0, "--repetition-penalty", repetition_penalty,
          "more than 0");
  require(std::isfinite(temperature) && temperature > 0, "--temperature", temperature,
          "more than 0 (without --sample, the most probable tokens are taken)");
  require(top_k >= 0, "--top-k", static_cast<double>(top_k), "at least 0 (0: all tokens)");
  require(top_p > 0 && top_p <= 1, "--top-p", top_p, "more than 0 and at most 1");
  require(batch_sentences >= 0, "--batch", static_cast<double>(batch_sentences), "at least 0");
  if (min_new_tokens > max_new_tokens)
    throw Error("--min-tokens {} is more than --max-tokens {}", min_new_tokens, max_new_tokens);
  if (hypotheses() > kMostHypotheses || sentences_a_batch() > kMostHypotheses / hypotheses())
    throw Error("--batch {} with {} hypotheses a sentence: expected at most {} hypotheses in a batch",
                sentences_a_batch(), hypotheses(), kMostHypotheses);
  if (do_sample && num_beams > 1)
    throw Error("--sample draws one token after the other: it does not go with --beam {}", num_beams);
  if (!do_sample && num_return_sequences > num_beams)
    throw Error("--n-best {} needs at least as many beams: --beam is {}", num_return_sequences, num_beams);
}

int64_t GenerationOptions::sentences_a_batch() const {
  if (batch_sentences > 0) return batch_sentences;
  return std::clamp<int64_t>(kBatchHypotheses / hypotheses(), 1, kBatchSentences);
}

int64_t GenerationOptions::longest(int64_t source_tokens, int64_t possible) const {
  const double wanted = std::ceil(static_cast<double>(source_tokens) * length_factor + 10) - 1;
  const int64_t by_source = static_cast<int64_t>(std::min(wanted, 1e9));
  return std::max<int64_t>(1, std::min({max_new_tokens, possible, std::max(by_source, min_new_tokens)}));
}

}  // namespace podium
