// Merges the sources in the order of precedence.
#include "configuration/settings.h"

#include <algorithm>

#include "configuration/checks.h"
#include "configuration/keys.h"
#include "configuration/metric_names.h"
#include "configuration/presets.h"
#include "configuration/sources.h"
#include "configuration/text.h"
#include "worker/base/error.h"
#include "worker/base/file.h"

namespace podium {
namespace {

struct LayerOfAssignments {
  Layer layer;
  std::vector<Assignment> assignments;
};

KnownNames known_names(const std::vector<Key>& keys) {
  KnownNames known;
  for (const Key& key : keys) {
    known.paths.emplace_back(key.path);
    if (!key.section().empty() && (known.sections.empty() || known.sections.back() != key.section()))
      known.sections.emplace_back(key.section());
  }
  return known;
}

// Applies layers to one Settings object, remembering who set what.
class Merger {
 public:
  Merger() : keys_(settings_keys(settings_)) {
    for (const Key& key : keys_) sources_.emplace(key.path, Source{});
  }
  Merger(const Merger&) = delete;
  Merger& operator=(const Merger&) = delete;

  const std::vector<Key>& keys() const { return keys_; }

  void apply(const LayerOfAssignments& layer) {
    for (const Assignment& assignment : layer.assignments) {
      const Key& key = *std::ranges::find(keys_, assignment.path, &Key::path);
      if (!assign(key, assignment.value)) {
        throw Error("{}: {}: found {}, expected {}", assignment.source, key.path, quoted(assignment.value),
                    expected_value(key));
      }
      sources_[assignment.path] = {layer.layer, assignment.source};
    }
  }

  // The named preset under what is applied later. `name_source` told the name.
  void apply_preset(const std::string& name, const std::string& name_source) {
    if (name.empty()) return;
    auto preset = std::ranges::find(embedded_presets(), name, &EmbeddedPreset::name);
    if (preset == embedded_presets().end()) {
      std::vector<std::string> names = preset_names();
      throw Error("{}: preset: found {}, expected one of {}; did you mean {}?", name_source,
                  quoted(std::string_view(name)), fmt::join(names, ", "), nearest_name(name, names));
    }
    apply({Layer::kPreset, parse_yaml(std::string(preset->yaml), "preset " + name, known_names(keys_))});
  }

  LoadedSettings finish() {
    // The default data set gives way to files that someone names.
    if (!settings_.dataset.train.empty() && sources_["dataset.name"].layer == Layer::kDefault)
      settings_.dataset.name.clear();
    resolve_metric();
    check_combinations(settings_, sources_);
    LoadedSettings loaded{.settings = settings_, .actions = {}, .sources = {}};
    for (const auto& [path, source] : sources_) loaded.sources.emplace(path, source.text);
    return loaded;
  }

 private:
  // classification.metric_to_monitor is another name for snapshots.best: the stronger source of the two counts. Of one
  // strength, they must agree, which check_combinations() looks at.
  void resolve_metric() {
    using Monitor = Settings::Classification::MetricToMonitor;
    Monitor& monitor = settings_.classification.metric_to_monitor;
    if (monitor == Monitor::kAuto) return;
    const Layer of_monitor = sources_["classification.metric_to_monitor"].layer;
    const Layer of_best = sources_["snapshots.best"].layer;
    if (of_best > of_monitor) monitor = Monitor::kAuto;
    if (of_best < of_monitor) settings_.snapshots.best = best_of(monitor);
  }

  Settings settings_;
  std::vector<Key> keys_;
  Sources sources_;
};

std::vector<Assignment> read_settings_file(const std::string& given, const fs::path& default_file,
                                           const KnownNames& known) {
  if (!given.empty()) {
    if (std::error_code ignored; !fs::exists(given, ignored))
      throw Error("command line --settings: no such file: {}", quoted(std::string_view(given)));
    return read_yaml_file(given, known);
  }
  std::error_code ignored;
  return fs::exists(default_file, ignored) ? read_yaml_file(default_file, known) : std::vector<Assignment>{};
}

}  // namespace

LoadedSettings load_settings(const std::vector<std::string>& arguments,
                             const std::map<std::string, std::string>& environment, const fs::path& default_file) {
  Merger merger;
  CommandLine command_line = parse_command_line(arguments, merger.keys());
  if (command_line.actions.help || command_line.actions.version)
    return {.settings = {}, .actions = command_line.actions, .sources = {}};

  const LayerOfAssignments layers[] = {
      {Layer::kFile, read_settings_file(command_line.settings_file, default_file, known_names(merger.keys()))},
      {Layer::kEnvironment, parse_platform_environment(environment)},
      {Layer::kEnvironment, parse_environment(environment, merger.keys())},
      {Layer::kCommandLine, command_line.assignments},
  };
  std::string preset = Settings().preset, preset_source = "default";
  for (const LayerOfAssignments& layer : layers) {
    for (const Assignment& assignment : layer.assignments) {
      if (assignment.path != "preset" || assignment.value.is_list) continue;
      preset = assignment.value.texts.at(0);
      preset_source = assignment.source;
    }
  }
  merger.apply_preset(preset, preset_source);
  for (const LayerOfAssignments& layer : layers) merger.apply(layer);
  LoadedSettings loaded = merger.finish();
  loaded.actions = command_line.actions;
  return loaded;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const EmbeddedPreset& preset : embedded_presets()) names.emplace_back(preset.name);
  return names;
}

}  // namespace podium
