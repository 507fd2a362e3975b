// Base64 (RFC 4648), as Cloud Storage writes checksums and as signed tokens are made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace podium {

std::string base64(std::string_view bytes);
// With the alphabet for URLs and without padding (RFC 7515 section 2).
std::string base64url(std::string_view bytes);

// A CRC32C as the service has it: its four bytes, the highest first, in base64.
std::string base64_of_crc32c(uint32_t crc);
// nullopt: it is none.
std::optional<uint32_t> crc32c_of_base64(std::string_view text);

}  // namespace podium
