// Loading settings in tests: from a real file in a folder of its own, with an environment and a command line.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "configuration/settings.h"
#include "worker/base/error.h"
#include "worker/base/file.h"

namespace podium {

struct Inputs {
  std::string file;  // content of settings.yaml
  std::map<std::string, std::string> environment = {};
  std::vector<std::string> arguments = {};
};

class SettingsFolder {
 public:
  SettingsFolder() {
    std::string pattern = (fs::temp_directory_path() / "podium_settings_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~SettingsFolder() { fs::remove_all(path_); }
  SettingsFolder(const SettingsFolder&) = delete;
  SettingsFolder& operator=(const SettingsFolder&) = delete;

  fs::path write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

inline LoadedSettings load(const Inputs& inputs) {
  SettingsFolder folder;
  return load_settings(inputs.arguments, inputs.environment, folder.write("settings.yaml", inputs.file));
}

// The message with which loading is refused, the file's folder cut off; empty when it is not refused.
inline std::string refusal(const Inputs& inputs) {
  SettingsFolder folder;
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
