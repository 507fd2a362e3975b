// Pictures, read back with libpng as any viewer would.
#include <gtest/gtest.h>
#include <png.h>

#include <cmath>
#include <functional>

#include "worker/picture/font.h"
#include "worker/picture/heat_map.h"
#include "worker/picture/png.h"

namespace podium {
namespace {

struct Picture {
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;
};

Picture decode(const std::string& bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()), 0) << image.message;
  image.format = PNG_FORMAT_RGB;
  Picture picture{static_cast<int>(image.width), static_cast<int>(image.height), {}};
  picture.rgb.resize(PNG_IMAGE_SIZE(image));
  EXPECT_NE(png_image_finish_read(&image, nullptr, picture.rgb.data(), 0, nullptr), 0) << image.message;
  return picture;
}

bool same(const Canvas& a, const Canvas& b) {
  return a.width() == b.width() && a.height() == b.height() &&
         std::equal(a.pixels(), a.pixels() + static_cast<std::ptrdiff_t>(a.width()) * a.height(), b.pixels());
}

// The smallest box around everything that is not white; empty when there is nothing.
struct Box {
  int left = 1 << 20, top = 1 << 20, right = -1, bottom = -1;
  int width() const { return right - left + 1; }
  int height() const { return bottom - top + 1; }
};
Box ink(const Canvas& canvas, int left = 0, int top = 0, int right = 1 << 20, int bottom = 1 << 20) {
  Box box;
  for (int y = top; y < std::min(canvas.height(), bottom); ++y)
    for (int x = left; x < std::min(canvas.width(), right); ++x)
      if (canvas.at(x, y) != kWhite)
        box = {std::min(box.left, x), std::min(box.top, y), std::max(box.right, x), std::max(box.bottom, y)};
  return box;
}

Canvas written(const std::string& text, double degrees = 0) {
  Canvas canvas(300, 300);
  Font(20).draw(canvas, text, 100, 150, degrees, kBlack);
  return canvas;
}

TEST(Picture, PngHoldsEveryPixel) {
  Canvas canvas(37, 11);
  for (int y = 0; y < 11; ++y)
    for (int x = 0; x < 37; ++x)
      canvas.fill(x, y, 1, 1, {static_cast<uint8_t>(7 * x), static_cast<uint8_t>(20 * y), static_cast<uint8_t>(x * y)});
  const Picture picture = decode(encode_png(canvas));
  ASSERT_EQ(picture.width, 37);
  ASSERT_EQ(picture.height, 11);
  for (int y = 0; y < 11; ++y) {
    for (int x = 0; x < 37; ++x) {
      const uint8_t* rgb = &picture.rgb[static_cast<size_t>(y * 37 + x) * 3];
      ASSERT_EQ((Color{rgb[0], rgb[1], rgb[2]}), canvas.at(x, y)) << x << ", " << y;
    }
  }
}

TEST(Picture, NothingIsDrawnOutside) {
  Canvas canvas(5, 4);
  canvas.fill(-3, -3, 4, 4, kBlack);
  canvas.fill(4, 3, 100, 100, kBlack);
  canvas.fill(2, 2, 0, 1, kBlack);
  canvas.fill(10, 10, 3, 3, kBlack);
  canvas.blend(-1, 0, kBlack, 255);
  canvas.blend(0, 4, kBlack, 255);
  int black = 0;
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 5; ++x) black += canvas.at(x, y) == kBlack;
  EXPECT_EQ(black, 2);
  canvas.blend(1, 1, kBlack, 51);
  EXPECT_EQ(canvas.at(1, 1), (Color{204, 204, 204}));
  Font(20).draw(canvas, "Wholly outside", -50, 900, 30, kBlack);
}

TEST(FontTest, WidthIsThatOfTheInk) {
  const Font font(20);
  for (const char* text : {"Hamburg", "configurações", "ÀÉÎÕÜçñß", "Привет", "Ελλάδα"}) {
    const Box box = ink(written(text));
    EXPECT_NEAR(box.width(), font.width(text), 4) << text;
    EXPECT_NEAR(box.left, 101, 2) << text;
  }
  EXPECT_NEAR(ink(written("H")).height(), font.capital_height(), 1.5);
  EXPECT_EQ(font.width(""), 0);
  EXPECT_NEAR(Font(40).width("largura"), 2 * font.width("largura"), 0.5);
}

TEST(FontTest, TurnedTextGoesUpwards) {
  const Box flat = ink(written("Horizontal")), steep = ink(written("Horizontal", 90)),
            slanted = ink(written("Horizontal", 45));
  EXPECT_NEAR(steep.height(), flat.width(), 2);
  EXPECT_NEAR(steep.width(), flat.height(), 2);
  EXPECT_NEAR(steep.bottom, 149, 2);
  EXPECT_NEAR(slanted.height(), slanted.width(), 4);
  EXPECT_NEAR(slanted.width(), (flat.width() + flat.height()) * std::sqrt(0.5), 4);
}

TEST(FontTest, AccentsAreDrawn) {
  const std::vector<std::pair<std::string, std::string>> pairs = {{"a", "ã"}, {"e", "é"}, {"c", "ç"}, {"o", "õ"},
                                                                  {"u", "ü"}, {"I", "Î"}, {"s", "š"}, {"и", "й"}};
  for (const auto& [plain, accented] : pairs) {
    EXPECT_FALSE(same(written(plain), written(accented))) << accented;
    const Box without = ink(written(plain)), with = ink(written(accented));
    EXPECT_GT(with.height(), without.height() + 2) << accented;
  }
}

TEST(FontTest, AnAccentOfItsOwnStandsOverItsLetter) {
  const Font font(20);
  EXPECT_NEAR(font.width("e\u0301"), font.width("e"), 0.01);
  const Box letter = ink(written("e")), both = ink(written("e\u0301")), composed = ink(written("é"));
  EXPECT_NEAR(both.left, letter.left, 1);
  EXPECT_NEAR(both.right, letter.right, 1);
  EXPECT_NEAR(both.top, composed.top, 1);
}

TEST(FontTest, WhatItLacksIsABox) {
  const Canvas box = written("人");
  EXPECT_GT(ink(box).width(), 5);
  EXPECT_TRUE(same(box, written("本")));
  EXPECT_FALSE(same(box, written("X")));
  EXPECT_TRUE(same(written("a\xff"), written("a\ufffd")));
}

TEST(FontTest, LongNamesAreCut) {
  const Font font(20);
  EXPECT_EQ(font.fitted("curto", 200), "curto");
  const std::string cut = font.fitted("Donaudampfschifffahrtsgesellschaftskapitän", 200);
  EXPECT_TRUE(cut.starts_with("Donaudampf") && cut.ends_with("…")) << cut;
  EXPECT_LE(font.width(cut), 200);
  EXPECT_GT(font.width(cut), 170);
  EXPECT_EQ(font.fitted("ãããã", 20), "…");
}

HeatMap small_map() { return {{"first", "second", "(end)"}, {"erste", "(Ende)"}, {1, 0, 0.25f, 0.75f, 0, 0.04f}}; }

// Where the dark frame around the cells is: the leftmost and topmost line of its colour.
Box cells_of(const Canvas& canvas, const HeatMap& map) {
  constexpr Color kFrame{140, 140, 140};
  for (int y = 0; y + 1 < canvas.height(); ++y)
    for (int x = 0; x + 1 < canvas.width(); ++x)
      if (canvas.at(x, y) == kFrame && canvas.at(x + 1, y) == kFrame && canvas.at(x + 20, y) == kFrame &&
          canvas.at(x, y + 20) == kFrame)
        return {x + 1, y + 1, x + 34 * static_cast<int>(map.columns.size()),
                y + 34 * static_cast<int>(map.rows.size())};
  return {};
}

TEST(HeatMapTest, CellsAreDarkerTheLargerTheirValue) {
  const HeatMap map = small_map();
  const Canvas canvas = draw_heat_map(map);
  const Box cells = cells_of(canvas, map);
  ASSERT_GT(cells.right, 0);
  auto corner = [&](int row, int column) { return canvas.at(cells.left + 34 * column + 2, cells.top + 34 * row + 2); };
  EXPECT_EQ(corner(0, 1), kWhite);
  EXPECT_LT(corner(0, 0).red, 20);
  EXPECT_LT(corner(0, 0).green, corner(1, 1).green);
  EXPECT_LT(corner(1, 1).green, corner(1, 0).green);
  EXPECT_LT(corner(1, 0).green, corner(2, 1).green);
  // From 5% on a cell shows its number.
  auto inside = [&](int row, int column) {
    int different = 0;
    for (int y = 2; y < 30; ++y)
      for (int x = 2; x < 30; ++x)
        different += canvas.at(cells.left + 34 * column + x, cells.top + 34 * row + y) != corner(row, column);
    return different;
  };
  EXPECT_GT(inside(0, 0), 30);
  EXPECT_GT(inside(1, 0), 30);
  EXPECT_EQ(inside(2, 1), 0);
}

TEST(HeatMapTest, WordsStandLeftAndAboveWithinThePicture) {
  HeatMap map = small_map();
  map.rows[1] = "uma linha comprida";
  map.columns[1] = "inconstitucionalissimamente";
  const Canvas canvas = draw_heat_map(map);
  const Box cells = cells_of(canvas, map);
  const Box left = ink(canvas, 0, cells.top, cells.left - 2),
            above = ink(canvas, cells.left, 0, 1 << 20, cells.top - 2);
  EXPECT_GT(left.height(), 34 * 2);
  EXPECT_GT(left.width(), 100);
  EXPECT_GT(above.height(), 100);
  EXPECT_GT(above.width(), 100);
  const Box all = ink(canvas);  // nothing is cut off at the borders
  EXPECT_GE(all.left, 5);
  EXPECT_GE(all.top, 5);
  EXPECT_LT(all.right, canvas.width() - 5);
  EXPECT_LT(all.bottom, canvas.height() - 5);
}

TEST(HeatMapTest, AnAccentChangesTheNamesAlone) {
  HeatMap map = small_map();
  map.columns[0] = "acao";
  const Canvas plain = draw_heat_map(map);
  map.columns[0] = "ação";
  const Canvas accented = draw_heat_map(map);
  ASSERT_EQ(plain.width(), accented.width());
  EXPECT_FALSE(same(plain, accented));
  for (int y = cells_of(plain, map).top; y < plain.height(); ++y)
    for (int x = 0; x < plain.width(); ++x) ASSERT_EQ(plain.at(x, y), accented.at(x, y));
}

TEST(HeatMapTest, ItsSizeIsBounded) {
  HeatMap map;
  map.rows.assign(1000, std::string(5000, 'W'));
  map.columns.assign(700, "longa");
  map.values.assign(1000 * 700, 0.5f);
  const Canvas canvas = draw_heat_map(map);
  EXPECT_LT(canvas.width(), 5000);
  EXPECT_LT(canvas.height(), 5000);
  EXPECT_GT(canvas.height(), 34 * static_cast<int>(kHeatMapLimit));
}

}  // namespace
}  // namespace podium
