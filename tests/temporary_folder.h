// A folder for one test, removed with everything in it at the test's end. In memory where that is possible: some tests
// fsync thousands of times, and a busy disk takes 20 ms for one.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "worker/base/file.h"

namespace podium {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    const fs::path memory = "/dev/shm";
    const fs::path parent = ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
    std::string pattern = (parent / "podium_test_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const fs::path& path() const { return path_; }

  // A file of this content, in folders that are made for it; returns its path.
  fs::path write(const std::string& name, const std::string& content) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }

 private:
  fs::path path_;
};

}  // namespace podium
