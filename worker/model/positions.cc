#include "worker/model/positions.h"

#include <cmath>

namespace podium {

std::vector<float> sinusoidal_positions(int64_t maximum, int64_t width) {
  std::vector<float> table(static_cast<size_t>(maximum * width));
  const int64_t sines = (width + 1) / 2;
  for (int64_t i = 0; i < width; ++i) {
    const bool sine = i < sines;
    const double pair = static_cast<double>(sine ? i : i - sines);
    const double rate = std::pow(10000.0, 2.0 * pair / static_cast<double>(width));
    for (int64_t position = 0; position < maximum; ++position) {
      const double angle = static_cast<double>(position) / rate;
      table[static_cast<size_t>(position * width + i)] = static_cast<float>(sine ? std::sin(angle) : std::cos(angle));
    }
  }
  return table;
}

}  // namespace podium
