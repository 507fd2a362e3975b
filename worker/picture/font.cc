#include "worker/picture/font.h"

#include <ft2build.h>

#include <cmath>
#include <numbers>

#include FT_FREETYPE_H

#include "worker/base/error.h"
#include "worker/data/utf8.h"
#include "worker/picture/embedded_font.h"

namespace podium {
namespace {

constexpr uint32_t kReplacement = 0xFFFD;

void check(FT_Error error, const char* what) {
  if (error != 0) throw Error("the font: {}: FreeType's error {}", what, error);
}

uint32_t take_character(std::string_view& text) {
  const uint32_t code_point = take_code_point(text);
  return code_point == kInvalidCodePoint ? kReplacement : code_point;
}

FT_LibraryRec_* new_library() {
  FT_Library library = nullptr;
  check(FT_Init_FreeType(&library), "FT_Init_FreeType");
  return library;
}

FT_FaceRec_* new_face(FT_Library library) {
  const std::span<const uint8_t> bytes = embedded_font();
  FT_Face face = nullptr;
  check(FT_New_Memory_Face(library, bytes.data(), static_cast<FT_Long>(bytes.size()), 0, &face), "FT_New_Memory_Face");
  return face;
}

// Advance of a character along the base line, unturned, in pixels; loads its outline.
double load(FT_Face face, uint32_t character) {
  check(FT_Load_Char(face, character, FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP), "FT_Load_Char");
  return static_cast<double>(face->glyph->linearHoriAdvance) / 65536;
}

void paint(Canvas& canvas, const FT_GlyphSlotRec_& glyph, Color color) {
  const FT_Bitmap& bitmap = glyph.bitmap;
  for (unsigned row = 0; row < bitmap.rows; ++row)
    for (unsigned column = 0; column < bitmap.width; ++column)
      canvas.blend(glyph.bitmap_left + static_cast<int>(column),
                   canvas.height() - glyph.bitmap_top + static_cast<int>(row), color,
                   bitmap.buffer[row * static_cast<unsigned>(bitmap.pitch) + column]);
}

}  // namespace

Font::Font(int pixels)
    : library_(new_library(), [](FT_LibraryRec_* library) { FT_Done_FreeType(library); }),
      face_(new_face(library_.get()), [](FT_FaceRec_* face) { FT_Done_Face(face); }) {
  check(FT_Set_Pixel_Sizes(face_.get(), 0, static_cast<FT_UInt>(pixels)), "FT_Set_Pixel_Sizes");
}

double Font::width(std::string_view text) const {
  FT_Set_Transform(face_.get(), nullptr, nullptr);
  double width = 0;
  while (!text.empty()) width += load(face_.get(), take_character(text));
  return width;
}

double Font::capital_height() const {
  FT_Set_Transform(face_.get(), nullptr, nullptr);
  load(face_.get(), 'H');
  return static_cast<double>(face_->glyph->metrics.horiBearingY) / 64;
}

std::string Font::fitted(std::string_view text, double pixels) const {
  if (width(text) <= pixels) return std::string(text);
  double room = pixels - width("…");
  std::string_view rest = text;
  size_t fitting = 0;
  while (!rest.empty() && (room -= load(face_.get(), take_character(rest))) >= 0) fitting = text.size() - rest.size();
  return std::string(text.substr(0, fitting)) + "…";
}

void Font::draw(Canvas& canvas, std::string_view text, double x, double y, double degrees, Color color) const {
  const double angle = degrees * std::numbers::pi / 180, cosine = std::cos(angle), sine = std::sin(angle);
  auto fixed = [](double value, double one) { return static_cast<FT_Fixed>(std::lround(value * one)); };
  FT_Matrix turn{fixed(cosine, 65536), fixed(-sine, 65536), fixed(sine, 65536), fixed(cosine, 65536)};
  double along = 0;
  while (!text.empty()) {
    // FreeType's origin is the canvas's lower left corner, in 64ths of a pixel.
    FT_Vector origin{fixed(x + along * cosine, 64), fixed(canvas.height() - y + along * sine, 64)};
    FT_Set_Transform(face_.get(), &turn, &origin);
    along += load(face_.get(), take_character(text));
    check(FT_Render_Glyph(face_->glyph, FT_RENDER_MODE_NORMAL), "FT_Render_Glyph");
    paint(canvas, *face_->glyph, color);
  }
}

}  // namespace podium
