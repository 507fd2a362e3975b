#include "tests/cluster/small_api_server/patches.h"

#include <algorithm>
#include <map>
#include <string>

namespace podium::cluster::small {
namespace {

using nlohmann::json;

const std::string* key_of(const std::string& list) {
  static const std::map<std::string, std::string> kKeys = {
      {"conditions", "type"},        {"podIPs", "ip"},           {"addresses", "type"}, {"ownerReferences", "uid"},
      {"containers", "name"},        {"initContainers", "name"}, {"volumes", "name"},   {"env", "name"},
      {"volumeMounts", "mountPath"}, {"ports", "containerPort"}};
  const auto found = kKeys.find(list);
  return found == kKeys.end() ? nullptr : &found->second;
}

// The entries of the patch in their order, those of the target alone before those that they stood before.
void merge_list(json& target, const json& patch, const std::string& key) {
  if (!target.is_array()) target = json::array();
  const json before = target;
  const auto place_of = [&](const json& entry) {
    return std::find_if(before.begin(), before.end(), [&](const json& e) {
      return e.is_object() && entry.is_object() && e.contains(key) && entry.contains(key) && e[key] == entry[key];
    });
  };
  const auto is_patched = [&](const json& entry) {
    return std::any_of(patch.begin(), patch.end(), [&](const json& p) { return place_of(p) == place_of(entry); });
  };
  target = json::array();
  auto rest = before.begin();
  const auto keep_until = [&](auto end) {
    for (; rest < end; ++rest)
      if (!is_patched(*rest)) target.push_back(*rest);
  };
  for (const json& entry : patch) {
    const auto there = place_of(entry);
    json merged = there == before.end() ? json::object() : *there;
    if (there != before.end()) keep_until(there);
    strategic_merge(merged, entry);
    if (!entry.is_object() || entry.value("$patch", "") != "delete") target.push_back(merged);
  }
  keep_until(before.end());
}

}  // namespace

void strategic_merge(json& target, const json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object() || patch.value("$patch", "") == "replace") target = json::object();
  for (const auto& [name, value] : patch.items()) {
    if (name.starts_with("$")) continue;
    const std::string* key = value.is_array() ? key_of(name) : nullptr;
    if (value.is_null())
      target.erase(name);
    else if (key != nullptr)
      merge_list(target[name], value, *key);
    else if (value.is_object())
      strategic_merge(target[name], value);
    else
      target[name] = value;
  }
}

}  // namespace podium::cluster::small
