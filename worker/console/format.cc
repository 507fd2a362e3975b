#include "worker/console/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace podium {

std::string format_duration(double seconds) {
  if (!(seconds >= 0 && seconds < 1e15)) return "?";
  int64_t whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  int64_t minutes = whole / 60;
  if (minutes / 60 < 24) return fmt::format("{}h{:02}m", minutes / 60, minutes % 60);
  return fmt::format("{}d{:02}h", minutes / 60 / 24, minutes / 60 % 24);
}

std::string format_si(double value) {
  if (!std::isfinite(value)) return "?";
  constexpr const char* kSuffixes[] = {"", "k", "M", "G", "T", "P"};
  size_t power = 0;
  // 999.5 would be rounded to four digits.
  for (; std::abs(value) >= 999.5 && power + 1 < std::size(kSuffixes); ++power) value /= 1000;
  int decimals = value == 0 || std::abs(value) >= 99.95 ? 0 : std::abs(value) >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f}{}", value, decimals, kSuffixes[power]);
}

std::string format_bytes_of(uint64_t done_bytes, uint64_t total_bytes) {
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB"};
  size_t unit = 0;
  double scale = 1e3;
  auto largest = static_cast<double>(std::max(done_bytes, total_bytes));
  for (; largest >= scale * 1000 && unit + 1 < std::size(kUnits); ++unit) scale *= 1000;
  std::string done = fmt::format("{:.1f}", static_cast<double>(done_bytes) / scale);
  if (total_bytes == 0) return fmt::format("{} {}", done, kUnits[unit]);
  return fmt::format("{} of {:.1f} {}", done, static_cast<double>(total_bytes) / scale, kUnits[unit]);
}

}  // namespace podium
