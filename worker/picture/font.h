// Text on a canvas, drawn by FreeType in DejaVu Sans.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "worker/picture/canvas.h"

struct FT_LibraryRec_;
struct FT_FaceRec_;

namespace podium {

// One size of the font. Characters stand one behind the other from left to right, as scripts without joined letters are
// written; one that the font lacks is a box. Bytes that are not UTF-8 are U+FFFD.
class Font {
 public:
  // `pixels`: of an em, about the height of a line.
  explicit Font(int pixels);

  // Pixels from the beginning of `text` to its end.
  double width(std::string_view text) const;
  // Height of a capital letter in pixels: by half of it, text is moved down to stand in a row's middle.
  double capital_height() const;

  // `text`, or as much of its beginning as fits into `pixels` with "…" at its end.
  std::string fitted(std::string_view text, double pixels) const;

  // Draws with the beginning of the base line at (x, y), turned counter-clockwise by `degrees`.
  void draw(Canvas& canvas, std::string_view text, double x, double y, double degrees, Color color) const;

 private:
  using Library = std::unique_ptr<FT_LibraryRec_, void (*)(FT_LibraryRec_*)>;
  using Face = std::unique_ptr<FT_FaceRec_, void (*)(FT_FaceRec_*)>;
  Library library_;
  Face face_;  // before the library
};

}  // namespace podium
