// Matrix products: the bulk of a step's arithmetic.
#pragma once

#include "worker/kernels/executor.h"
#include "worker/tensor/tensor.h"

namespace podium {

enum class Transpose : bool { kNo = false, kYes = true };
// Whether a result replaces what was there or is added to it.
enum class Store : bool { kReplace = false, kAdd = true };

// c (M,N) = op(a)·op(b)  [+ c], with op(a) (M,K) and op(b) (K,N); op transposes where asked. a, b, c are
// two-dimensional (leading dimensions are folded into rows) and c overlaps neither. float32. A Linear layer y = x·Wᵀ
// with W (out,in), as PyTorch keeps it, is matmul(x, kNo, W, kYes, y).
// oneDNN takes its packing buffers from malloc, and threads that run this are set to one OpenMP thread. Subnormal
// numbers are computed as such: no kernel changes the processor's floating-point modes.
void matmul(Executor& executor, const Tensor& a, Transpose transpose_a, const Tensor& b, Transpose transpose_b,
            const Tensor& c, Store store = Store::kReplace);

}  // namespace podium
