#include "worker/optimizer/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace podium {

double learning_rate_at(const Schedule& schedule, int64_t step) {
  const double now = static_cast<double>(step);
  const double warmup = static_cast<double>(std::max<int64_t>(schedule.warmup_steps, 1));
  if (schedule.kind == Schedule::Kind::kNoam) {
    const double width = static_cast<double>(schedule.embedding_size);
    return schedule.learning_rate / std::sqrt(width) * std::min(1 / std::sqrt(now), now / (warmup * std::sqrt(warmup)));
  }
  if (now < warmup) return schedule.learning_rate * now / warmup;
  if (schedule.kind == Schedule::Kind::kConstant) return schedule.learning_rate;
  const double decay = std::max(static_cast<double>(schedule.decay_steps) - warmup, 1.0);
  const double share = std::min((now - warmup) / decay, 1.0);
  if (schedule.kind == Schedule::Kind::kLinear) return schedule.learning_rate * (1 - share);
  return schedule.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * share));
}

}  // namespace podium
