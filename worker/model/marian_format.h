// The files beside the weights that let a snapshot open as transformers.MarianMTModel and MarianTokenizer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "worker/model/transformer.h"

namespace podium {

// config.json and generation_config.json.
std::string marian_config(const TransformerConfig& config);
std::string marian_generation_config(const TransformerConfig& config);
// tokenizer_config.json; languages as the user names them ("pt", "en").
std::string marian_tokenizer_config(const TransformerConfig& config, const std::string& source_language,
                                    const std::string& target_language);

// Reads config.json back. `path` is for errors: not JSON, another kind of model, a value out of range, a variant that
// Podium does not compute (pre-norm, learned positions, unscaled embeddings).
TransformerConfig parse_marian_config(std::string_view json, const std::string& path);

}  // namespace podium
