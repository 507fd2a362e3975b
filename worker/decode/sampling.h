// Drawing tokens by their probability.
#pragma once

#include <span>

#include "worker/decode/generation_options.h"

namespace podium {

// Applies temperature, top_k and top_p to the logits (V), in this order: what must not be drawn becomes minus infinity.
// Tokens as probable as the last of the top_k stay; at least one token does.
void warp_logits(const GenerationOptions& options, std::span<float> logits);

// A token with the probabilities softmax(logits), from a uniform number in [0, 1). The same number gives the same
// token.
int32_t draw_token(std::span<const float> logits, double uniform);

}  // namespace podium
