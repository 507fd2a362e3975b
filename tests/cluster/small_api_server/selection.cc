#include "tests/cluster/small_api_server/selection.h"

#include <algorithm>
#include <regex>

#include "tests/cluster/small_api_server/refusal.h"

namespace podium::cluster::small {
namespace {

using nlohmann::json;
using Condition = std::function<bool(const json&)>;

// At commas outside of parentheses.
std::vector<std::string> requirements(const std::string& text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == ',' && depth == 0)
      parts.emplace_back();
    else if (c != ' ' || depth == 0)
      parts.back() += c;
  }
  std::erase(parts, "");
  return parts;
}

Condition label_condition(const std::string& text) {
  static const std::regex kSet("\\s*(\\S+)\\s+(in|notin)\\s+\\((.*)\\)\\s*"),
      kEqual("\\s*([^=!\\s]+)\\s*(==?|!=)\\s*(\\S*)\\s*"), kThere("\\s*(!?)([^=!\\s]+)\\s*");
  std::smatch found;
  const auto among = [](std::string key, std::vector<std::string> values, bool is_in) -> Condition {
    return [key, values, is_in](const json& object) {
      const json labels = object["metadata"].value("labels", json::object());
      const bool is_one = labels.contains(key) && std::any_of(values.begin(), values.end(),
                                                              [&](const auto& value) { return labels[key] == value; });
      return is_one == is_in;
    };
  };
  if (std::regex_match(text, found, kSet)) return among(found[1], requirements(found[3]), found[2] == "in");
  if (std::regex_match(text, found, kEqual)) return among(found[1], {found[3]}, found[2] != "!=");
  if (!std::regex_match(text, found, kThere)) throw bad_request("unable to parse requirement: " + text);
  return [key = found[2].str(), wants = found[1].length() == 0](const json& object) {
    return object["metadata"].value("labels", json::object()).contains(key) == wants;
  };
}

Condition field_condition(const std::string& text) {
  static const std::map<std::string, json::json_pointer> kFields = {
      {"metadata.name", "/metadata/name"_json_pointer},
      {"metadata.namespace", "/metadata/namespace"_json_pointer},
      {"spec.nodeName", "/spec/nodeName"_json_pointer},
      {"status.phase", "/status/phase"_json_pointer}};
  static const std::regex kEqual("([^=!]+)(==?|!=)(.*)");
  std::smatch found;
  if (!std::regex_match(text, found, kEqual)) throw bad_request("invalid selector: '" + text + "'");
  const auto field = kFields.find(found[1]);
  if (field == kFields.end()) throw bad_request("field label not supported: " + found[1].str());
  return [path = field->second, value = found[3].str(), wants = found[2] != "!="](const json& object) {
    return (object.value(path, "") == value) == wants;
  };
}

}  // namespace

Selection::Selection(const Request& request) {
  for (const std::string& text : requirements(request.option("labelSelector")))
    conditions_.push_back(label_condition(text));
  for (const std::string& text : requirements(request.option("fieldSelector")))
    conditions_.push_back(field_condition(text));
}

bool Selection::has(const json& object) const {
  return std::all_of(conditions_.begin(), conditions_.end(), [&](const auto& condition) { return condition(object); });
}

}  // namespace podium::cluster::small
