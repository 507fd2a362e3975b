// How long to wait after a failure: the rule of client-go's reflector.
#pragma once

#include "coordinator/kubernetes/time_and_chance.h"

namespace podium::kubernetes {

// 0.8 s, doubling to 30 s, each with up to as much again by chance, so that the workers of a cluster do not come back
// together. Starts again after two minutes without a failure.
class Backoff {
 public:
  // The wait after a failure at `now`; at least `floor`, which is what the server asked for (Retry-After).
  Duration next(Instant now, double chance, Duration floor = Duration::zero());

 private:
  Duration base_ = Duration::zero();
  Instant ends_{};  // of the last wait
};

}  // namespace podium::kubernetes
