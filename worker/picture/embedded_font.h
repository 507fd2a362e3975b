// DejaVu Sans, as Debian's fonts-dejavu-core has it: Latin, Greek, Cyrillic and more with all their accents; no
// Chinese, Japanese, Korean or Indic. Its licence lets programs carry it.
#pragma once

#include <cstdint>
#include <span>

namespace podium {

// The bytes of the TrueType file.
std::span<const uint8_t> embedded_font();

}  // namespace podium
