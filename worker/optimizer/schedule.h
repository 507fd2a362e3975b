// The learning rate as a function of the step alone.
#pragma once

#include <cstdint>

namespace podium {

struct Schedule {
  enum class Kind : uint8_t {
    kNoam,      // factor · d^-0.5 · min(step^-0.5, step · warmup^-1.5): "Attention Is All You Need", 5.3
    kConstant,  // peak after a linear warm-up
    kLinear,    // linear warm-up to the peak, linear decay to zero at decay_steps
    kCosine,    // linear warm-up to the peak, half a cosine to zero at decay_steps
  };
  Kind kind = Kind::kNoam;
  double learning_rate = 1;  // noam: the factor; else the peak
  int64_t warmup_steps = 4000;
  int64_t decay_steps = 0;
  int64_t embedding_size = 128;  // noam's d
};

// step counts from 1: the update that is about to be made.
double learning_rate_at(const Schedule& schedule, int64_t step);

}  // namespace podium
