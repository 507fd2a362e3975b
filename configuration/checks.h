// Checks that look at more than one key.
#pragma once

#include <string>
#include <string_view>

#include "configuration/settings.h"

namespace podium {

// The sources, weakest first. kDefault < kPreset < ...
enum class Layer : uint8_t { kDefault, kPreset, kFile, kEnvironment, kCommandLine };

struct Source {
  Layer layer = Layer::kDefault;
  std::string text = "default";
};

using Sources = std::map<std::string, Source, std::less<>>;

// Throws Error for values that cannot go together. Blames the key that the strongest source set.
void check_combinations(const Settings& settings, const Sources& sources);

}  // namespace podium
