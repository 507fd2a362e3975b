#include "worker/results/confusion_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "worker/base/error.h"
#include "worker/picture/heat_map.h"
#include "worker/picture/png.h"

namespace podium {

std::string confusion_png(const std::vector<std::string>& labels, const std::vector<int64_t>& matrix) {
  PODIUM_CHECK(matrix.size() == labels.size() * labels.size(), "{} values", matrix.size());
  const size_t shown = std::min(labels.size(), kHeatMapLimit);
  HeatMap map;
  for (size_t row = 0; row < shown; ++row) {
    const auto counts = std::span(matrix).subspan(row * labels.size(), labels.size());
    const int64_t texts = std::accumulate(counts.begin(), counts.end(), int64_t{0});
    map.rows.push_back(fmt::format("{} ({})", labels[row], texts));
    map.columns.push_back(labels[row]);
    for (int64_t count : counts.first(shown))
      map.values.push_back(texts == 0 ? 0 : static_cast<float>(count) / static_cast<float>(texts));
  }
  return encode_png(draw_heat_map(map));
}

}  // namespace podium
