// A matrix as a picture: a named row and a named column of coloured cells for each of its own.
#pragma once

#include <string>
#include <vector>

#include "worker/picture/canvas.h"

namespace podium {

struct HeatMap {
  std::vector<std::string> rows, columns;  // their names, in UTF-8
  std::vector<float> values;               // (rows, columns), from 0 to 1
};

// Rows and columns that are drawn at most; the others are left out.
inline constexpr size_t kHeatMapLimit = 120;

// White is 0, dark blue is 1, and darker is always more, so that it prints in grey too. A cell shows its value in
// percent, from 5 on. Column names stand above, turned by 45 degrees; names too long for the margin are cut.
Canvas draw_heat_map(const HeatMap& map);

}  // namespace podium
