#include "worker/picture/png.h"

#include <png.h>

#include "worker/base/error.h"

namespace podium {

static_assert(sizeof(Color) == 3, "rows of the canvas are rows of the file");

std::string encode_png(const Canvas& canvas) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(canvas.width());
  image.height = static_cast<png_uint_32>(canvas.height());
  image.format = PNG_FORMAT_RGB;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, canvas.pixels(), 0, nullptr) == 0)
    throw Error("a picture of {} × {} pixels cannot be encoded: {}", canvas.width(), canvas.height(), image.message);
  bytes.resize(size);
  return bytes;
}

}  // namespace podium
