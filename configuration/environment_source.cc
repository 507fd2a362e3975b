// Settings from the environment: PODIUM_TRAINING__EPOCHS is training.epochs.
#include <regex>

#include "configuration/sources.h"
#include "configuration/text.h"
#include "worker/base/error.h"

namespace podium {
namespace {

constexpr std::string_view kPrefix = "PODIUM_";
constexpr std::string_view kFault = "PODIUM_FAULT";  // tests ask a part to fail with it

// Kubernetes gives every pod such variables for each Service of its namespace, so for one called podium or podium-x
// too.
bool is_service_link(const std::string& name) {
  if (name.size() > 300) return false;
  static const std::regex pattern("PODIUM_(.*_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_.+)?)?)");
  return std::regex_match(name, pattern);
}

[[noreturn]] void throw_unknown(const std::string& name, const std::vector<Key>& keys) {
  std::vector<std::string> names;
  for (const Key& key : keys) names.push_back(key.environment_name());
  std::string shown = quoted(std::string_view(name));
  throw Error("environment variable {}: unknown; did you mean {}?", shown.substr(1, shown.size() - 2),
              nearest_name(name, names));
}

}  // namespace

std::vector<Assignment> parse_environment(const std::map<std::string, std::string>& environment,
                                          const std::vector<Key>& keys) {
  std::map<std::string, const Key*> known;
  for (const Key& key : keys) known.emplace(key.environment_name(), &key);
  std::vector<Assignment> assignments;
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kPrefix) || name == kFault) continue;
    if (auto key = known.find(name); key != known.end()) {
      assignments.push_back({std::string(key->second->path), {.texts = {value}}, "environment variable " + name});
    } else if (!is_service_link(name)) {
      throw_unknown(name, keys);
    }
  }
  return assignments;
}

std::map<std::string, std::string> environment_variables(const char* const* environment) {
  std::map<std::string, std::string> variables;
  for (; *environment != nullptr; ++environment) {
    std::string_view entry = *environment;
    size_t equals = entry.find('=');
    if (equals != std::string_view::npos) variables.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return variables;
}

}  // namespace podium
