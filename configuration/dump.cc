// Settings written down: as YAML, as a hash of what changes the mathematics, and as a run's name.
#include <fmt/format.h>

#include <algorithm>

#include "configuration/keys.h"
#include "worker/base/error.h"
#include "worker/base/hash.h"

namespace podium {
namespace {

// What stands behind a value in YAML: unit or choices, then the meaning; for a text without a meaning, its form.
std::string comment(const Key& key) {
  if (key.meaning.empty() && key.limits.accepts != nullptr) return std::string(key.limits.expected);
  const Choice* choice = std::get_if<Choice>(&key.field);
  std::string result = choice == nullptr ? std::string(key.unit) : fmt::format("{}", fmt::join(choice->names, " | "));
  if (!result.empty() && !key.meaning.empty()) result += "; ";
  return result.append(key.meaning);
}

}  // namespace

std::string dump_config(const Settings& settings) {
  Settings copy = settings;
  std::string result, section;
  for (const Key& key : settings_keys(copy)) {
    if (key.section() != section) {
      section = key.section();
      result += fmt::format("\n{}:\n", section);
    }
    std::string about = comment(key);
    result += fmt::format("{}{}: {}{}{}\n", section.empty() ? "" : "  ", key.name(), value_as_yaml(key),
                          about.empty() ? "" : "  # ", about);
  }
  return result;
}

std::string mathematics_hash(const Settings& settings) {
  Settings copy = settings;
  std::vector<std::string> lines;
  for (const Key& key : settings_keys(copy)) {
    if (key.changes == Changes::kMathematics) lines.push_back(fmt::format("{}={}\n", key.path, value_as_yaml(key)));
  }
  std::ranges::sort(lines);  // the order of the table says nothing
  return sha256_hex(fmt::format("{}", fmt::join(lines, ""))).substr(0, 8);
}

std::string run_name(const LoadedSettings& loaded) {
  std::string name = run_name(loaded.settings);
  if (loaded.actions.new_run && !loaded.settings.cloud_storage_bucket_name.empty())
    throw Error("--new-run: snapshots also go to {}, where it does not look; choose another run_name",
                loaded.settings.cloud_storage_bucket_name);
  const std::filesystem::path folder = loaded.settings.snapshots.folder;
  if (!loaded.actions.new_run || !std::filesystem::exists(folder / name)) return name;
  for (int i = 2;; ++i) {
    std::string candidate = fmt::format("{}-{}", name, i);
    if (!std::filesystem::exists(folder / candidate)) return candidate;
  }
}

std::string run_name(const Settings& settings) {
  if (!settings.run_name.empty()) return settings.run_name;
  Settings copy = settings;
  std::vector<Key> keys = settings_keys(copy);
  return fmt::format("{}-{}", value_as_yaml(*std::ranges::find(keys, "task", &Key::path)), mathematics_hash(settings));
}

}  // namespace podium
