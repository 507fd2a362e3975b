// Small text helpers of the settings loader.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace podium {

inline constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
inline constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
inline constexpr std::string_view kDigits = "0123456789";

// Whether every character of `text` is in one of `sets`.
template <typename... Sets>
bool only(std::string_view text, Sets... sets) {
  for (char c : text) {
    if (!((std::string_view(sets).find(c) != std::string_view::npos) || ...)) return false;
  }
  return true;
}

// Offset of the first byte that is not UTF-8 (RFC 3629), or a control character other than tab and line ends; npos when
// all is well.
size_t first_non_text_byte(std::string_view text);

// `text` in quotes for an error message, cut to about 60 characters, what cannot be printed replaced by '?'.
std::string quoted(std::string_view text);

// `text` as a double-quoted YAML scalar.
std::string yaml_quoted(std::string_view text);

// The one of `names` that `wrong` was most likely meant to be: by edit distance of whole names or of what follows their
// last dot. `names` must not be empty.
std::string nearest_name(std::string_view wrong, const std::vector<std::string>& names);

}  // namespace podium
