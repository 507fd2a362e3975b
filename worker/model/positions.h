// Sinusoidal positions ("Attention Is All You Need", 3.5), laid out as MarianMT has them: sines first, then cosines.
#pragma once

#include <vector>

#include "worker/tensor/tensor.h"

namespace podium {

// (maximum, width): row p is sin(p / 10000^(2i/width)) for i < width/2, then the cosines of the same angles.
std::vector<float> sinusoidal_positions(int64_t maximum, int64_t width);

}  // namespace podium
