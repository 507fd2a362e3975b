// One optimizer update from the summed gradient: mean over target tokens, clipping by global norm, Adam.
#pragma once

#include "worker/kernels/adam.h"
#include "worker/optimizer/schedule.h"

namespace podium {

struct OptimizerOptions {
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-9;
  double clip_norm = 0;      // 0: gradients are not clipped
  double average_decay = 0;  // of the average of the weights; 0: none is kept
  Schedule schedule;
};

struct UpdateReport {
  double gradient_norm = 0;  // of the mean gradient, before clipping
  double learning_rate = 0;
};

// What Adam is given at `step` (from 1) for a gradient that is a sum over `tokens` target tokens, with `squares` its
// sum of squares (sum_of_squares). The mean gradient g is scaled by min(1, clip_norm / |g|). The average begins with a
// decay that follows the weights quickly, min(average_decay, (1 + step) / (10 + step)), as TensorFlow and Marian do.
AdamStep plan_update(const OptimizerOptions& options, int64_t step, int64_t tokens, double squares,
                     UpdateReport& report);

}  // namespace podium
