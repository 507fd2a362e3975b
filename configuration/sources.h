// Where values come from: each source becomes a list of assignments, which settings.cc applies in the order of
// precedence.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "configuration/keys.h"

namespace podium {

// One key set by one source. `path` is a known key.
struct Assignment {
  std::string path;
  RawValue value;
  std::string source;  // for messages: "configuration/settings.yaml:14"
};

// Paths of all keys, and the sections that they are in.
struct KnownNames {
  std::vector<std::string> paths;
  std::vector<std::string> sections;
};

// The settings in YAML text. `name` stands for it in messages. Throws Error for anything that is not YAML (1 MiB at
// most) with known keys, each once.
std::vector<Assignment> parse_yaml(const std::string& content, const std::string& name, const KnownNames& known);
std::vector<Assignment> read_yaml_file(const std::filesystem::path& path, const KnownNames& known);

// The settings among the variables that begin with PODIUM_. Throws Error for one that is neither a setting, nor
// PODIUM_FAULT, nor what Kubernetes defines for a Service named podium.
std::vector<Assignment> parse_environment(const std::map<std::string, std::string>& environment,
                                          const std::vector<Key>& keys);

// What Google's training services say: the workers by CLUSTER_SPEC (or TF_CONFIG, as AI Platform had it), and by
// AIP_CHECKPOINT_DIR (else AIP_MODEL_DIR) the bucket. Throws Error naming the variable that cannot be used.
std::vector<Assignment> parse_platform_environment(const std::map<std::string, std::string>& environment);

struct CommandLine {
  std::vector<Assignment> assignments;
  ProgramActions actions;
  std::string settings_file;  // empty: not given
};

// Throws Error for unknown options, missing values and what is given twice.
CommandLine parse_command_line(const std::vector<std::string>& arguments, const std::vector<Key>& keys);

}  // namespace podium
