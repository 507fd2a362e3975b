// Takes an input apart from its front, whatever it is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace podium {

class FuzzInput {
 public:
  explicit FuzzInput(std::string_view bytes) : rest_(bytes) {}

  bool is_empty() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  // 0 behind the end.
  uint8_t byte() { return rest_.empty() ? 0 : static_cast<uint8_t>(take(1).front()); }
  // Less where the input ends.
  std::string_view take(size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // Up to `end`, which is taken too, or to the input's end.
  std::string_view until(std::string_view end) {
    const std::string_view taken = rest_.substr(0, rest_.find(end));
    rest_.remove_prefix(std::min(taken.size() + end.size(), rest_.size()));
    return taken;
  }

 private:
  std::string_view rest_;
};

}  // namespace podium
