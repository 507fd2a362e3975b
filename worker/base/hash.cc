#include "worker/base/hash.h"

#include <openssl/evp.h>

#include <cstring>

#include "worker/base/error.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace podium {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // Castagnoli's, the highest power in the lowest bit

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
    table[i] = value;
  }
  return table;
}

uint32_t crc32c_table(const unsigned char* data, size_t size, uint32_t crc) {
  static constexpr std::array<uint32_t, 256> table = make_table();
  for (size_t i = 0; i < size; ++i) crc = table[(crc ^ data[i]) & 0xFF] ^ (crc >> 8);
  return crc;
}

// The product of two polynomials modulo Castagnoli's.
uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = 1u << 31; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? kPolynomial : 0);
  }
  return product;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_sse42(const unsigned char* data, size_t size, uint32_t crc) {
  uint64_t wide = crc;
  for (; size >= 8; size -= 8, data += 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; --size, ++data) crc = _mm_crc32_u8(crc, *data);
  return crc;
}
#endif

}  // namespace

uint32_t crc32c(const void* data, size_t size_bytes, uint32_t crc) {
  const auto* bytes = static_cast<const unsigned char*>(data);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ~crc32c_sse42(bytes, size_bytes, ~crc);
#endif
  return ~crc32c_table(bytes, size_bytes, ~crc);
}

// Behind the first come 8 n bits: it is multiplied by x^(8 n), found by squaring x^8.
uint32_t crc32c_combined(uint32_t first, uint32_t second, uint64_t second_bytes) {
  uint32_t power = 1u << 31, square = 1u << 23;
  for (; second_bytes > 0; second_bytes >>= 1) {
    if ((second_bytes & 1) != 0) power = multiply(power, square);
    square = multiply(square, square);
  }
  return multiply(first, power) ^ second;
}

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  PODIUM_CHECK(context_->evp != nullptr && EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;

void Sha256::update(const void* data, size_t size_bytes) {
  PODIUM_CHECK(EVP_DigestUpdate(context_->evp, data, size_bytes) == 1);
}

std::string Sha256::hex_digest() {
  unsigned char digest[32];
  PODIUM_CHECK(EVP_DigestFinal_ex(context_->evp, digest, nullptr) == 1);
  std::string hex;
  for (unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

std::string sha256_hex(std::string_view data) {
  Sha256 hash;
  hash.update(data);
  return hash.hex_digest();
}

}  // namespace podium
