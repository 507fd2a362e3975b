// Memory that a state's numbers lie in: a file's, or the process's own.
#pragma once

#include <cstddef>
#include <utility>

namespace podium {

class Mapping {
 public:
  Mapping() = default;
  // Of the process alone, zero. Throws Error when there is no such memory.
  static Mapping anonymous(size_t size_bytes);
  // Of an open file that has this size, and all of whose blocks that will be touched are reserved.
  static Mapping of_file(int descriptor, size_t size_bytes, const char* path);
  ~Mapping();
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
  }

  char* data() const { return data_; }

 private:
  Mapping(void* data, size_t size_bytes);

  char* data_ = nullptr;
  size_t size_bytes_ = 0;
};

}  // namespace podium
