// How much one stream may say.
#pragma once

#include <algorithm>

namespace podium {

// `per_second` messages on average, and a burst of several seconds' worth at once. Times are seconds on a steady clock.
class TokenBucket {
 public:
  TokenBucket(double per_second, double now) : per_second_(per_second), tokens_(kBurstSeconds * per_second), at_(now) {}

  // False: too many.
  bool take(double now) {
    tokens_ = std::min(tokens_ + (now - at_) * per_second_, kBurstSeconds * per_second_);
    at_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  static constexpr double kBurstSeconds = 4;
  double per_second_, tokens_, at_;
};

}  // namespace podium
