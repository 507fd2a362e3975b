#include "worker/storage/base64.h"

#include <openssl/evp.h>

namespace podium {

std::string base64(std::string_view bytes) {
  std::string text(4 * (bytes.size() / 3 + 1) + 1, '\0');  // and the zero that EVP_EncodeBlock puts behind it
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

std::string base64url(std::string_view bytes) {
  std::string text = base64(bytes);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

std::string base64_of_crc32c(uint32_t crc) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(crc >> shift);
  return base64(bytes);
}

std::optional<uint32_t> crc32c_of_base64(std::string_view text) {
  unsigned char bytes[6];
  if (text.size() != 8 || !text.ends_with("==") ||
      EVP_DecodeBlock(bytes, reinterpret_cast<const unsigned char*>(text.data()), 8) != 6)
    return std::nullopt;
  uint32_t crc = 0;
  for (int i = 0; i < 4; ++i) crc = crc << 8 | bytes[i];
  // Another text of the same bytes is not what the service writes.
  return base64_of_crc32c(crc) == text ? std::optional(crc) : std::nullopt;
}

}  // namespace podium
