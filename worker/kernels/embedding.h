// Token embeddings with positions.
#pragma once

#include <cstdint>
#include <span>

#include "worker/kernels/dropout.h"
#include "worker/kernels/executor.h"
#include "worker/tensor/tensor.h"

namespace podium {

// y[r] = dropout(scale · table[tokens[r]] + positions[position[r]]). table (V,D), positions (P,D), y (R,D); tokens and
// position have R elements within V and P.
void embedding_forward(Executor& executor, std::span<const int32_t> tokens, std::span<const int32_t> position,
                       const Tensor& table, const Tensor& positions, float scale, const Dropout& dropout,
                       const Tensor& y);

// table_gradient[tokens[r]] += scale · dropout's backward of y_gradient[r], rows in order, except for tokens equal to
// ignored_token (-1: none). zero_first: table_gradient is zeroed before.
void embedding_backward(Executor& executor, std::span<const int32_t> tokens, const Tensor& y_gradient, float scale,
                        const Dropout& dropout, int32_t ignored_token, bool zero_first, const Tensor& table_gradient);

}  // namespace podium
