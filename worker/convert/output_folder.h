// A folder that appears whole, under its name, or not at all.
#pragma once

#include <string>

#include "worker/base/file.h"
#include "worker/storage/object_store.h"

namespace podium {

class OutputFolder {
 public:
  // Throws Error when `path` is there already. What is written lies in `path`.partial until finish().
  explicit OutputFolder(const fs::path& path);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  void write(const std::string& name, const ObjectSource& content);
  void write(const std::string& name, const std::string& content) { write(name, MemorySource(content)); }
  void copy(const fs::path& file);  // under its own name
  void finish();

 private:
  fs::path path_, partial_;
  bool finished_ = false;
};

}  // namespace podium
