// A picture in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace podium {

struct Color {
  uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Color&) const = default;
};
inline constexpr Color kWhite{255, 255, 255}, kBlack{0, 0, 0};

// The colour `share` (0 to 1) of the way from `from` to `to`.
Color mixed(Color from, Color to, double share);

// White at first. Pixel (0, 0) is at the top left. What lies outside is not drawn.
class Canvas {
 public:
  Canvas(int width, int height);
  int width() const { return width_; }
  int height() const { return height_; }

  void fill(int x, int y, int width, int height, Color color);
  // Paints over one pixel; coverage 0: not at all, 255: wholly.
  void blend(int x, int y, Color color, uint8_t coverage);
  Color at(int x, int y) const { return pixels_[index(x, y)]; }

  const Color* pixels() const { return pixels_.data(); }  // (height, width), 3 bytes each

 private:
  size_t index(int x, int y) const {
    return static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x);
  }
  int width_, height_;
  std::vector<Color> pixels_;
};

}  // namespace podium
