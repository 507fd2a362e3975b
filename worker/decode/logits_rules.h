// What tokens may come next, whatever the model says.
#pragma once

#include <span>

#include "worker/decode/generation_options.h"

namespace podium {

// Changes the scores (V) of the token after `prompt` and `generated`: repetition penalty first, then minus infinity for
// what would repeat an n-gram, for `forbidden` (-1: none), and for end-of-sentence before the minimum length, which
// counts generated tokens alone. As transformers has it, scores are logits when greedy or sampling, log-probabilities
// in a beam search.
void apply_logits_rules(const GenerationOptions& options, std::span<const int32_t> prompt,
                        std::span<const int32_t> generated, int32_t forbidden, std::span<float> scores);

}  // namespace podium
