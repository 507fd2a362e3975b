// Where a decoder layer looks in the source, computed anew for a finished translation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/model/transformer.h"

namespace podium {

// The weights (heads, target_input, source) with which layer `layer` (0: the first) of the decoder reads the source:
// softmax(scale · q·k), rows sum to 1; what MarianMTModel gives as cross_attentions[layer]. `source` ends with eos;
// `target_input` is padding and then the translation, so that row t belongs to the choice of token t, and the last to
// eos. Both at most maximum_positions long.
std::vector<float> cross_attention_weights(const Transformer& model, FlatParameters weights, Executor& executor,
                                           std::span<const int32_t> source, std::span<const int32_t> target_input,
                                           int layer);

// (rows, columns): the mean of `heads` matrices that lie behind each other.
std::vector<float> mean_of_heads(std::span<const float> weights, int heads);

}  // namespace podium
