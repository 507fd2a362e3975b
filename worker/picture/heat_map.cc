#include "worker/picture/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include "worker/base/error.h"
#include "worker/picture/font.h"

namespace podium {
namespace {

// In pixels.
constexpr int kNamePixels = 17, kValuePixels = 12, kCell = 34, kGap = 10, kBorder = 24;
constexpr int kScaleWidth = 16, kScaleHeight = 5 * kCell;
constexpr double kLongestName = 320;
constexpr double kLeastShown = 0.045;  // from there on the value rounds to 5%
constexpr Color kFrame{140, 140, 140}, kGrid{232, 232, 232};

Color color_of(double value) {
  // The sequential scheme "Blues" (Brewer 2002).
  constexpr std::array<Color, 6> kSteps{Color{255, 255, 255}, Color{222, 235, 247}, Color{158, 202, 225},
                                        Color{66, 146, 198},  Color{8, 81, 156},    Color{8, 40, 94}};
  const double at = std::clamp(value, 0.0, 1.0) * (kSteps.size() - 1);
  const size_t step = std::min(static_cast<size_t>(at), kSteps.size() - 2);
  return mixed(kSteps[step], kSteps[step + 1], at - static_cast<double>(step));
}

class Drawing {
 public:
  explicit Drawing(const HeatMap& map) : map_(map), rows_(names(map.rows)), columns_(names(map.columns)) {
    PODIUM_CHECK(map.values.size() == map.rows.size() * map.columns.size(), "{} values", map.values.size());
    // A turned name covers its width and its height, both times half the square root of 2.
    const double up = (longest(columns_) + kNamePixels) * std::numbers::sqrt2 / 2;
    left_ = kBorder + static_cast<int>(longest(rows_)) + kGap;
    top_ = kBorder + static_cast<int>(up) + kGap;
    cells_width_ = kCell * static_cast<int>(columns_.size());
    cells_height_ = kCell * static_cast<int>(rows_.size());
    const int overhang = std::max(0, overhang_right());
    width_ = left_ + cells_width_ + std::max(overhang, kScaleWidth + 4 * kGap + 40) + kBorder;
    height_ = top_ + std::max(cells_height_, kScaleHeight) + kBorder;
  }

  Canvas draw() const {
    Canvas canvas(width_, height_);
    draw_names(canvas);
    for (size_t row = 0; row < rows_.size(); ++row)
      for (size_t column = 0; column < columns_.size(); ++column) draw_cell(canvas, row, column);
    frame(canvas, left_, top_, cells_width_, cells_height_);
    draw_scale(canvas);
    return canvas;
  }

 private:
  std::vector<std::string> names(std::span<const std::string> all) const {
    std::vector<std::string> result;
    for (const std::string& name : all.first(std::min(all.size(), kHeatMapLimit)))
      result.push_back(name_font_.fitted(name, kLongestName));
    return result;
  }
  double longest(std::span<const std::string> names) const {
    double width = 0;
    for (const std::string& name : names) width = std::max(width, name_font_.width(name));
    return std::ceil(width);
  }
  // How far the columns' names reach to the right of the cells.
  int overhang_right() const {
    double right = 0;
    for (size_t i = 0; i < columns_.size(); ++i)
      right = std::max(right, (static_cast<double>(i) + 0.5) * kCell +
                                  (name_font_.width(columns_[i]) + kNamePixels) * std::numbers::sqrt2 / 2);
    return static_cast<int>(right) - cells_width_;
  }

  void draw_names(Canvas& canvas) const {
    const double half_capital = name_font_.capital_height() / 2;
    for (size_t i = 0; i < rows_.size(); ++i)
      name_font_.draw(canvas, rows_[i], left_ - kGap - name_font_.width(rows_[i]),
                      top_ + (static_cast<double>(i) + 0.5) * kCell + half_capital, 0, kBlack);
    for (size_t i = 0; i < columns_.size(); ++i)
      name_font_.draw(canvas, columns_[i], left_ + (static_cast<double>(i) + 0.5) * kCell + half_capital / 2,
                      top_ - kGap, 45, kBlack);
  }

  void draw_cell(Canvas& canvas, size_t row, size_t column) const {
    const double value = map_.values[row * map_.columns.size() + column];
    const int x = left_ + static_cast<int>(column) * kCell, y = top_ + static_cast<int>(row) * kCell;
    canvas.fill(x, y, kCell, kCell, kGrid);
    canvas.fill(x, y, kCell - 1, kCell - 1, color_of(value));
    if (value < kLeastShown) return;
    const std::string text = fmt::format("{:.0f}", 100 * value);
    value_font_.draw(canvas, text, x + (kCell - 1 - value_font_.width(text)) / 2,
                     y + (kCell - 1 + value_font_.capital_height()) / 2, 0, value < 0.5 ? kBlack : kWhite);
  }

  void draw_scale(Canvas& canvas) const {
    const int x = left_ + cells_width_ + 3 * kGap;
    for (int i = 0; i < kScaleHeight; ++i)
      canvas.fill(x, top_ + i, kScaleWidth, 1, color_of(1 - static_cast<double>(i) / (kScaleHeight - 1)));
    frame(canvas, x, top_, kScaleWidth, kScaleHeight);
    for (int percent : {0, 25, 50, 75, 100}) {
      const double y = top_ + (100 - percent) / 100.0 * kScaleHeight;
      canvas.fill(x + kScaleWidth, static_cast<int>(y), 4, 1, kFrame);
      value_font_.draw(canvas, fmt::format("{}%", percent), x + kScaleWidth + 8, y + value_font_.capital_height() / 2,
                       0, kBlack);
    }
  }

  static void frame(Canvas& canvas, int x, int y, int width, int height) {
    canvas.fill(x - 1, y - 1, width + 2, 1, kFrame);
    canvas.fill(x - 1, y + height, width + 2, 1, kFrame);
    canvas.fill(x - 1, y - 1, 1, height + 2, kFrame);
    canvas.fill(x + width, y - 1, 1, height + 2, kFrame);
  }

  const Font name_font_{kNamePixels}, value_font_{kValuePixels};
  const HeatMap& map_;
  std::vector<std::string> rows_, columns_;
  int left_ = 0, top_ = 0, cells_width_ = 0, cells_height_ = 0, width_ = 0, height_ = 0;
};

}  // namespace

Canvas draw_heat_map(const HeatMap& map) { return Drawing(map).draw(); }

}  // namespace podium
