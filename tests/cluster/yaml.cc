#include "tests/cluster/yaml.h"

#include <yaml-cpp/yaml.h>

#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using nlohmann::json;

// A plain scalar is a number or a boolean where it reads as one; a quoted one (tag "!") is text.
json scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() != "?") return text;
  if (text.empty() || text == "null" || text == "~") return nullptr;
  const json value = json::parse(text, nullptr, false);
  return value.is_number() || value.is_boolean() ? value : json(text);
}

json converted(const YAML::Node& node) {
  if (node.IsNull()) return nullptr;
  if (node.IsScalar()) return scalar(node);
  json result = node.IsMap() ? json::object() : json::array();
  for (const auto& entry : node) {
    if (node.IsMap()) {
      result[entry.first.Scalar()] = converted(entry.second);
    } else {
      result.push_back(converted(entry));
    }
  }
  return result;
}

}  // namespace

std::vector<json> parse_yaml(const std::string& text) {
  std::vector<json> documents;
  try {
    for (const YAML::Node& node : YAML::LoadAll(text))
      if (!node.IsNull()) documents.push_back(converted(node));
  } catch (const YAML::Exception& error) {
    throw Error("YAML: {}", error.what());
  }
  return documents;
}

}  // namespace podium::cluster
