// A file descriptor that is closed with the object that holds it.
#pragma once

#include <unistd.h>

#include <utility>

namespace podium {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }

  int get() const { return value_; }
  bool is_open() const { return value_ >= 0; }
  // From now on the caller's to close.
  int release() { return std::exchange(value_, -1); }

 private:
  int value_ = -1;
};

}  // namespace podium
