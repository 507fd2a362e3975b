// Manifests are YAML; the API takes JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace podium::cluster {

// The documents of `text`, empty ones left out. Throws Error.
std::vector<nlohmann::json> parse_yaml(const std::string& text);

}  // namespace podium::cluster
