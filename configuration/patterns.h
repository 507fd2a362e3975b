// Settings that choose parameters by their names in model.safetensors.
#pragma once

#include <string_view>

namespace podium {

// "model.encoder.*": a name with * and ? for what may stand there.
bool is_pattern(std::string_view text);
// "model.encoder.*=0.5": a pattern and a finite number above 0.
bool is_pattern_with_factor(std::string_view text);

}  // namespace podium
