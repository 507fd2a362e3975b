// Loading settings in tests: from a real file in a folder of its own, with an environment and a command line.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "configuration/settings.h"
#include "tests/temporary_folder.h"
#include "worker/base/error.h"

namespace podium {

struct Inputs {
  std::string file;  // content of settings.yaml
  std::map<std::string, std::string> environment = {};
  std::vector<std::string> arguments = {};
};

inline LoadedSettings load(const Inputs& inputs) {
  TemporaryFolder folder;
  return load_settings(inputs.arguments, inputs.environment, folder.write("settings.yaml", inputs.file));
}

// The message with which loading is refused, the file's folder cut off; empty when it is not refused.
inline std::string refusal(const Inputs& inputs) {
  TemporaryFolder folder;
  fs::path file = folder.write("settings.yaml", inputs.file);
  try {
    load_settings(inputs.arguments, inputs.environment, file);
  } catch (const Error& error) {
    std::string message = error.what(), prefix = folder.path().string() + "/";
    for (size_t at; (at = message.find(prefix)) != std::string::npos;) message.erase(at, prefix.size());
    return message;
  }
  return "";
}

// Equal in every key.
inline bool same(const Settings& a, const Settings& b) { return dump_config(a) == dump_config(b); }

}  // namespace podium
