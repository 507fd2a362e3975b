// The files beside the weights that let a snapshot open as transformers.GPT2LMHeadModel.
#pragma once

#include <string>
#include <string_view>

#include "worker/model/gpt2.h"

namespace podium {

// config.json and generation_config.json. "podium_direction": "backward" is ours: of a model that reads texts from
// their end.
std::string gpt2_config(const Gpt2Config& config);
std::string gpt2_generation_config(const Gpt2Config& config);

// Reads config.json back, ours or another's. `path` is for errors: not JSON, another kind of model, a value out of
// range, a variant that Podium does not compute (attention scaled by layer, cross-attention).
Gpt2Config parse_gpt2_config(std::string_view json, const std::string& path);

}  // namespace podium
