#include "coordinator/kubernetes/backoff.h"

#include <algorithm>

namespace podium::kubernetes {
namespace {

using namespace std::chrono_literals;
constexpr Duration kFirst = 800ms, kLongest = 30s, kQuiet = 2min;

}  // namespace

Duration Backoff::next(Instant now, double chance, Duration floor) {
  const bool was_quiet = base_ == Duration::zero() || now - ends_ > kQuiet;
  base_ = was_quiet ? kFirst : std::min(2 * base_, kLongest);
  const Duration extra = std::chrono::duration_cast<Duration>(chance * std::chrono::duration<double>(base_));
  const Duration wait = std::max(base_ + extra, floor);
  ends_ = now + wait;
  return wait;
}

}  // namespace podium::kubernetes
