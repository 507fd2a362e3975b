// The checksums that snapshots carry: CRC32C (what Cloud Storage computes) and SHA-256.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace podium {

// CRC32C (Castagnoli, RFC 3720 B.4) of `data`, continuing from `crc` (0 to begin). Uses the processor's instruction if
// it has one.
uint32_t crc32c(const void* data, size_t size_bytes, uint32_t crc = 0);
// Of two texts behind each other, by the checksum of each and the size of the second.
uint32_t crc32c_combined(uint32_t first, uint32_t second, uint64_t second_bytes);

// SHA-256 (FIPS 180-4), fed piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  void update(const void* data, size_t size_bytes);
  void update(std::string_view text) { update(text.data(), text.size()); }
  // 64 lower-case hexadecimal digits. The object cannot be fed any further.
  std::string hex_digest();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256_hex(std::string_view data);

}  // namespace podium
