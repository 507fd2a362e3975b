// Translations of many sentences: in batches of one length, side by side.
#pragma once

#include <span>
#include <vector>

#include "worker/decode/generation_options.h"
#include "worker/decode/hypothesis.h"
#include "worker/model/incremental_decoder.h"

namespace podium {

// Token sequences with their end-of-sentence in; for each, in the same order, its hypotheses: beams best first, samples
// as they were drawn. Sentences are batched by length, batches run side by side on `threads`; the batches do not depend
// on the threads' number. Throws Error when the options do not fit, or when a sentence has logits that are not finite.
std::vector<std::vector<Hypothesis>> generate(const Transformer& model, FlatParameters weights, ThreadPool& threads,
                                              std::span<const std::vector<int32_t>> sources,
                                              const GenerationOptions& options);

// The tokens of each source's first hypothesis; empty where its batch was another rank's.
std::vector<std::vector<int32_t>> first_hypotheses(std::vector<std::vector<Hypothesis>> hypotheses);

}  // namespace podium
