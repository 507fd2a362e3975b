// Pictures as PNG files (ISO/IEC 15948), by libpng.
#pragma once

#include <string>

#include "worker/picture/canvas.h"

namespace podium {

// The bytes of a PNG file: 8 bits a channel, no transparency.
std::string encode_png(const Canvas& canvas);

}  // namespace podium
