#include "worker/picture/canvas.h"

#include <algorithm>
#include <cmath>

#include "worker/base/error.h"

namespace podium {

Color mixed(Color from, Color to, double share) {
  auto mix = [&](uint8_t a, uint8_t b) { return static_cast<uint8_t>(std::lround(a + (b - a) * share)); };
  return {mix(from.red, to.red), mix(from.green, to.green), mix(from.blue, to.blue)};
}

Canvas::Canvas(int width, int height) : width_(width), height_(height) {
  PODIUM_CHECK(width > 0 && height > 0, "{} × {} pixels", width, height);
  pixels_.assign(static_cast<size_t>(width) * static_cast<size_t>(height), kWhite);
}

void Canvas::fill(int x, int y, int width, int height, Color color) {
  const int left = std::max(x, 0), right = std::min(x + width, width_);
  for (int row = std::max(y, 0); left < right && row < std::min(y + height, height_); ++row)
    std::fill_n(pixels_.begin() + static_cast<std::ptrdiff_t>(index(left, row)), right - left, color);
}

void Canvas::blend(int x, int y, Color color, uint8_t coverage) {
  if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
  Color& pixel = pixels_[index(x, y)];
  pixel = mixed(pixel, color, coverage / 255.0);
}

}  // namespace podium
