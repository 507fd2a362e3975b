// Dropout from a counter-based generator: a mask is a function of its key and the element's index, so it is never
// stored, and is the same on every machine, at any number of threads and workers, on CPU and GPU.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "worker/kernels/executor.h"
#include "worker/tensor/tensor.h"

namespace podium {

// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11): key = seed, counter = (block,
// step, shard, layer). A block gives 8 numbers of 16 bits. Elements come in groups of 128 (16 blocks): in its group,
// element e takes block e % 16, word (e / 16) % 4, and of that word the low half for e < 64, the high half else; so
// vectors of any width up to 16 load and store straight.
struct RandomKey {
  uint64_t seed = 0;
  uint32_t step = 0;
  uint32_t shard = 0;
  uint32_t layer = 0;  // which dropout of the model
};

struct Dropout {
  float probability = 0;  // of an element to be zeroed; rounded to a multiple of 1/65536. 0: no dropout
  RandomKey key;

  bool active() const { return probability > 0; }
  // An element is kept when its 16 random bits, as a number, are at least this.
  uint32_t threshold() const { return static_cast<uint32_t>(std::lround(probability * 65536.0f)); }
  // What kept elements are multiplied by.
  float scale() const { return 65536.0f / static_cast<float>(65536u - threshold()); }
};

// multipliers[i] = scale() or 0 for the elements [begin, begin + multipliers.size()) of the mask, on the calling
// thread.
void dropout_multipliers(const Dropout& dropout, int64_t begin, std::span<float> multipliers);

// y = keep · scale · x, elementwise over the flat index; x and y may be the same. Also its own backward pass.
void dropout(Executor& executor, const Dropout& dropout, const Tensor& x, const Tensor& y);

}  // namespace podium
