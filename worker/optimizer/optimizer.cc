#include "worker/optimizer/optimizer.h"

#include <algorithm>
#include <cmath>

namespace podium {

AdamStep plan_update(const OptimizerOptions& options, int64_t step, int64_t tokens, double squares,
                     UpdateReport& report) {
  const double mean = 1.0 / static_cast<double>(tokens);
  report.gradient_norm = std::sqrt(squares) * mean;
  report.learning_rate = learning_rate_at(options.schedule, step);
  double scale = mean;
  if (options.clip_norm > 0 && report.gradient_norm > options.clip_norm)
    scale *= options.clip_norm / report.gradient_norm;

  const double t = static_cast<double>(step);
  AdamStep result;
  result.learning_rate = report.learning_rate;
  result.beta1 = options.beta1;
  result.beta2 = options.beta2;
  result.epsilon = options.epsilon;
  result.bias_correction1 = 1 - std::pow(options.beta1, t);
  result.bias_correction2 = 1 - std::pow(options.beta2, t);
  result.gradient_scale = scale;
  result.average_decay = std::min(options.average_decay, (1 + t) / (10 + t));
  return result;
}

}  // namespace podium
