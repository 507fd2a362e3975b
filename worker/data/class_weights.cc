#include "worker/data/class_weights.h"

#include <algorithm>
#include <numeric>

namespace podium {

std::vector<double> balanced_class_weights(const std::vector<int64_t>& counts) {
  const auto texts = static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  const auto used =
      static_cast<double>(std::count_if(counts.begin(), counts.end(), [](int64_t count) { return count > 0; }));
  std::vector<double> weights;
  for (int64_t count : counts) weights.push_back(count > 0 ? texts / (used * static_cast<double>(count)) : 0);
  return weights;
}

}  // namespace podium
