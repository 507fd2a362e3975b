#include "configuration/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "worker/base/error.h"

namespace podium {
namespace {

// Length of the UTF-8 character that `text` begins with; 0 when it does not begin with one.
size_t character_length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = byte(0);
  if (first < 0x80) return 1;
  size_t length = first >= 0xC2 && first < 0xE0   ? 2
                  : first >= 0xE0 && first < 0xF0 ? 3
                  : first >= 0xF0 && first < 0xF5 ? 4
                                                  : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  bool surrogate = first == 0xED && byte(1) >= 0xA0;
  bool beyond = first == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

// Levenshtein's distance: insertions, deletions and replacements that turn `a` into `b`.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string_view after_last_dot(std::string_view name) { return name.substr(name.rfind('.') + 1); }

}  // namespace

size_t first_non_text_byte(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    size_t length = control ? 0 : character_length(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

std::string quoted(std::string_view text) {
  constexpr size_t kLimit = 60;
  std::string result = "\"";
  for (size_t i = 0; i < text.size();) {
    if (result.size() > kLimit) return result + "...\"";
    size_t length = character_length(text.substr(i));
    bool printable = length > 1 || (length == 1 && text[i] >= 0x20 && text[i] != 0x7F);
    result += printable ? text.substr(i, length) : "?";
    i += std::max<size_t>(length, 1);
  }
  return result + "\"";
}

std::string yaml_quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string nearest_name(std::string_view wrong, const std::vector<std::string>& names) {
  PODIUM_CHECK(!names.empty());
  wrong = wrong.substr(0, 200);
  const std::string* best = nullptr;
  size_t best_distance = SIZE_MAX;
  for (const std::string& name : names) {
    // A name in the wrong section is nearer than its letters say, the right name above all.
    size_t in_section = edit_distance(after_last_dot(wrong), after_last_dot(name));
    size_t distance = std::min(edit_distance(wrong, name), in_section + (in_section == 0 ? 1 : 3));
    if (distance < best_distance) {
      best = &name;
      best_distance = distance;
    }
  }
  return *best;
}

}  // namespace podium
