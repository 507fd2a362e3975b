// Numbers as a person reads them.
#pragma once

#include <cstdint>
#include <string>

namespace podium {

// "45s", "9m50s", "2h03m", "3d04h"; "?" for what is negative or not a number.
std::string format_duration(double seconds);

// Three digits and a suffix: "987", "12.3k", "1.20M"; below 100 with a fraction ("4.50"). "?" for what is not a number.
std::string format_si(double value);

// "3.1 of 5.0 MB", both in the unit that suits the whole (1 MB is 1,000,000 bytes); "3.1 MB" when `total` is 0
// (unknown).
std::string format_bytes_of(uint64_t done_bytes, uint64_t total_bytes);

}  // namespace podium
