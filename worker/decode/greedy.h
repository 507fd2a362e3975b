// Greedy translation: at every position the token with the largest logit.
#pragma once

#include <span>
#include <vector>

#include "worker/model/incremental_decoder.h"

namespace podium {

struct GreedyOptions {
  int64_t maximum_tokens = 128;  // of a translation, end-of-sentence included
  // A translation of a source of n tokens also ends after n · length_factor + 10: a model that has not learnt to stop
  // costs no more.
  double length_factor = 3;
  int64_t batch_sentences = 32;
  int32_t eos = 0;
  // Only batches first, first + every, … are decoded, what one rank of several does; the rest stays empty.
  int64_t first_batch = 0, every_batch = 1;
  // Polled between tokens; true ends the work with what is there. May be empty.
  std::function<bool()> stop;
};

// Token sequences with their end-of-sentence in, translations without it out, in the same order. Padding is never
// generated. Sentences are batched by length, batches run side by side on `threads`; the batches do not depend on their
// number.
std::vector<std::vector<int32_t>> greedy_decode(const Transformer& model, FlatParameters weights, ThreadPool& threads,
                                                std::span<const std::vector<int32_t>> sources,
                                                const GreedyOptions& options);

}  // namespace podium
