// Which labels a classifier takes for which, as a picture.
#pragma once

#include <string>
#include <vector>

#include "worker/metrics/classification.h"

namespace podium {

// The bytes of a PNG file: a row a label with its number of texts, a column a label that was predicted, each cell the
// row's share in percent. At most heat_map.h's kHeatMapLimit labels are drawn. Names are drawn in DejaVu Sans: one in
// Chinese, Japanese or Korean is boxes. `matrix`: (labels, labels), counts.
std::string confusion_png(const std::vector<std::string>& labels, const std::vector<int64_t>& matrix);

}  // namespace podium
