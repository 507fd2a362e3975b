#include "configuration/patterns.h"

#include <charconv>
#include <cmath>

#include "configuration/text.h"

namespace podium {

bool is_pattern(std::string_view text) { return !text.empty() && only(text, kLower, kUpper, kDigits, "-_.*?"); }

bool is_pattern_with_factor(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || !is_pattern(text.substr(0, equals))) return false;
  double factor = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + equals + 1, end, factor);
  return parsed.ec == std::errc() && parsed.ptr == end && std::isfinite(factor) && factor > 0;
}

}  // namespace podium
