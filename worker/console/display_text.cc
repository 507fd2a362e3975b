#include "worker/console/display_text.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace podium {
namespace {

struct Character {
  uint32_t code_point;
  size_t size_bytes;
};

// The character that `text` (not empty) begins with; none when its first byte begins no shortest-form UTF-8 sequence.
std::optional<Character> first_character(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  uint32_t first = byte(0);
  if (first < 0x80) return Character{first, 1};
  size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return std::nullopt;
  uint32_t code_point = first & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    code_point = code_point << 6 | (byte(i) & 0x3fu);
  }
  constexpr uint32_t kSmallest[] = {0x80, 0x800, 0x10000};
  bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < kSmallest[size - 2] || code_point > 0x10ffff || surrogate) return std::nullopt;
  return Character{code_point, size};
}

struct Range {
  uint32_t first, last;
};

// Combining and format characters of the scripts that are likely in our texts. One missing here is counted as one
// column.
constexpr Range kZeroWidth[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},  {0x0610, 0x061a}, {0x064b, 0x065f}, {0x06d6, 0x06dc},
    {0x093c, 0x093c}, {0x0941, 0x0948}, {0x094d, 0x094d},  {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e},  {0x2060, 0x2064}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef}};

// East Asian Width W and F (UAX 11), and the blocks of symbols that terminals draw as emoji.
constexpr Range kWide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},  {0x23e9, 0x23fa}, {0x25fd, 0x25fe}, {0x2600, 0x27bf},
    {0x2b1b, 0x2b1c},   {0x2b50, 0x2b55},   {0x2e80, 0x303e},  {0x3041, 0xa4cf}, {0xa960, 0xa97f}, {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe10, 0xfe19},   {0xfe30, 0xfe6f},  {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x16fe0, 0x18cff},
    {0x1af00, 0x1b2ff}, {0x1f000, 0x1faff}, {0x20000, 0x3fffd}};

template <size_t N>
bool contains(const Range (&ranges)[N], uint32_t code_point) {
  return std::any_of(ranges, ranges + N, [&](Range r) { return code_point >= r.first && code_point <= r.last; });
}

int columns_of(uint32_t code_point) {
  if (code_point < 0x300) return 1;
  return contains(kZeroWidth, code_point) ? 0 : contains(kWide, code_point) ? 2 : 1;
}

// Bytes of the longest beginning of `text` that takes at most `columns`.
size_t fitting_bytes(std::string_view text, int columns) {
  size_t end = 0;
  while (end < text.size()) {
    Character c = first_character(text.substr(end)).value_or(Character{0xfffd, 1});
    columns -= columns_of(c.code_point);
    if (columns < 0) break;
    end += c.size_bytes;
  }
  return end;
}

}  // namespace

std::string printable(std::string_view text, bool keep_line_breaks) {
  std::string result;
  while (!text.empty()) {
    auto c = first_character(text);
    size_t size = c ? c->size_bytes : 1;
    if (!c)
      result += "\ufffd";
    else if (c->code_point == '\t' || (c->code_point == '\n' && !keep_line_breaks))
      result += ' ';
    else if ((c->code_point < 0x20 && c->code_point != '\n') || (c->code_point >= 0x7f && c->code_point < 0xa0))
      result += '?';
    else
      result += text.substr(0, size);
    text.remove_prefix(size);
  }
  return result;
}

int display_columns(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    Character c = first_character(text).value_or(Character{0xfffd, 1});
    columns += columns_of(c.code_point);
    text.remove_prefix(c.size_bytes);
  }
  return columns;
}

std::string truncate_to_columns(std::string_view text, int columns) {
  if (display_columns(text) <= columns) return std::string(text);
  if (columns <= 0) return "";
  return std::string(text.substr(0, fitting_bytes(text, columns - 1))) + "…";
}

std::string pad_to_columns(std::string_view text, int columns, bool left) {
  std::string spaces(static_cast<size_t>(std::max(0, columns - display_columns(text))), ' ');
  return left ? std::string(text) + spaces : spaces + std::string(text);
}

}  // namespace podium
