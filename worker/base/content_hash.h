// A 64-bit hash of a large buffer, to compare states between ranks at every step: as fast as memory is read. No
// protection against an adversary; what is stored carries the checksums of hash.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace podium {

// XXH3 (64 bits, seed 0), of any length and alignment: the same value on every machine.
uint64_t content_hash(std::span<const std::byte> content);

}  // namespace podium
