#include "worker/optimizer/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace podium {
namespace {

// From 1 down to 0.
double left_of(Schedule::Decay decay, double share) {
  switch (decay) {
    case Schedule::Decay::kLinear:
      return 1 - share;
    case Schedule::Decay::kCosine:
      return 0.5 * (1 + std::cos(std::numbers::pi * share));
    case Schedule::Decay::kOneMinusSquareRoot:
      return 1 - std::sqrt(share);
  }
  return 0;
}

// A share of the peak: from 1, while the steps go from `begin` to `end`, to the minimum, where it stays.
double decayed(const Schedule& schedule, Schedule::Decay decay, double now, double begin, double end) {
  const double share = std::clamp((now - begin) / std::max(end - begin, 1.0), 0.0, 1.0);
  return schedule.minimum + (1 - schedule.minimum) * left_of(decay, share);
}

}  // namespace

double learning_rate_at(const Schedule& schedule, int64_t step) {
  using enum Schedule::Kind;
  const double now = static_cast<double>(step), peak = schedule.learning_rate;
  const double warmup = static_cast<double>(std::max<int64_t>(schedule.warmup_steps, 1));
  const double total = static_cast<double>(schedule.total_steps);
  if (schedule.kind == kNoam) {
    const double width = static_cast<double>(schedule.embedding_size);
    return peak / std::sqrt(width) * std::min(1 / std::sqrt(now), now / (warmup * std::sqrt(warmup)));
  }
  if (now < warmup) return peak * now / warmup;
  switch (schedule.kind) {
    case kInverseSquareRoot:
      return peak * std::sqrt(warmup / now);
    case kLinear:
      return peak * decayed(schedule, Schedule::Decay::kLinear, now, warmup, total);
    case kCosine:
      return peak * decayed(schedule, Schedule::Decay::kCosine, now, warmup, total);
    case kWarmupStableDecay:
      return peak * decayed(schedule, schedule.decay, now, total - static_cast<double>(schedule.decay_steps), total);
    default:
      return peak;
  }
}

}  // namespace podium
