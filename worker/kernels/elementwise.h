// Sums of buffers and checks over them.
#pragma once

#include <cstdint>
#include <span>

#include "worker/kernels/executor.h"
#include "worker/tensor/tensor.h"

namespace podium {

// out[i] = a[i] + b[i]; out may be a or b. One float32 addition an element: a node of the gradient tree.
void add(Executor& executor, std::span<const float> a, std::span<const float> b, std::span<float> out);

// The sum of squares, for the global norm: float64, per chunk of kNormChunk elements in a fixed order of lanes, chunks
// added in index order. `chunk_sums` has room for one double a chunk. The same bits on every instruction set and for
// any cut of the buffer at chunk borders.
inline constexpr int64_t kNormChunk = 4096;
double sum_of_squares(Executor& executor, std::span<const float> values, std::span<double> chunk_sums);

// The index of the first element that is NaN or infinite, or -1.
int64_t first_non_finite(std::span<const float> values);

}  // namespace podium
