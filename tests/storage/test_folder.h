// A folder for one test, removed with everything in it at the test's end. In memory where that is possible: these tests
// fsync thousands of times, and a busy disk takes 20 ms for one.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <string>

#include "worker/base/file.h"

namespace podium {

class TestFolder {
 public:
  TestFolder() {
    const fs::path memory = "/dev/shm";
    const fs::path parent = ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
    std::string pattern = (parent / "podium_test_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TestFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace podium
