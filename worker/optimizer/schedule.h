// The learning rate as a function of the step alone.
#pragma once

#include <cstdint>

namespace podium {

struct Schedule {
  enum class Kind : uint8_t {
    kNoam,               // factor · d^-0.5 · min(step^-0.5, step · warmup^-1.5): "Attention Is All You Need", 5.3
    kConstant,           // the peak
    kLinear,             // linear decay from the peak to the minimum at total_steps
    kCosine,             // half a cosine from the peak to the minimum at total_steps (Loshchilov & Hutter 2017)
    kInverseSquareRoot,  // peak · sqrt(warmup / step), as fairseq has it
    kWarmupStableDecay,  // the peak, then down to the minimum in the last decay_steps of total_steps (Hu et al. 2024)
  };
  // How much of a decay is left when a share s of it is over.
  enum class Decay : uint8_t {
    kLinear,             // 1 - s
    kCosine,             // (1 + cos πs) / 2
    kOneMinusSquareRoot  // 1 - sqrt(s): Hägele et al. 2024
  };
  Kind kind = Kind::kNoam;
  double learning_rate = 1;  // noam: the factor; else the peak
  int64_t warmup_steps = 4000;
  int64_t total_steps = 0, decay_steps = 0;
  Decay decay = Decay::kLinear;  // of kWarmupStableDecay
  double minimum = 0;            // where decays end, as a share of the peak
  int64_t embedding_size = 128;  // noam's d
};

// step counts from 1: the update that is about to be made. All kinds begin with a linear warm-up from 0 to the peak.
double learning_rate_at(const Schedule& schedule, int64_t step);

}  // namespace podium
