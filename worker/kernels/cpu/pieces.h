// Cutting a kernel's work into pieces that depend on its size alone.
#pragma once

#include <algorithm>
#include <cstdint>

#include "worker/kernels/executor.h"

namespace podium {

inline constexpr int64_t kElementsPerPiece = 16384;  // of a flat buffer: 64 KiB; a multiple of Philox's group
inline constexpr int64_t kRowsPerPiece = 32;
inline constexpr int64_t kColumnsPerPiece = 64;  // for sums over rows: four vectors of AVX-512 in registers

// body(begin, count) for the consecutive pieces of [0, count), on the executor's threads.
template <typename Body>
void for_pieces(Executor& executor, int64_t count, int64_t piece, Body&& body) {
  executor.threads.parallel_for((count + piece - 1) / piece, [&](int64_t i) {
    const int64_t begin = i * piece;
    body(begin, std::min(piece, count - begin));
  });
}

}  // namespace podium
