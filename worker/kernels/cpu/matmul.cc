// Matrix products with oneDNN's sgemm: not specialised by shape, so that packed batches, whose row counts differ in
// every call, compile nothing. Measured at 80-99% of the FMA peak of one AVX-512 core at the presets' shapes. The same
// call in oneDNN 2 and 3. No signal handler may run on a thread that is in it (worker/train/stop_signal.h).
#include "worker/kernels/matmul.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace podium {
namespace {

// A slice is worth some 40 µs, many times what it costs to hand it to a thread. Each packs anew the operand that all
// share: with few rows or columns that would be a good part of its time (of 96: about 5%).
constexpr double kSliceFlop = 8e6;
constexpr int64_t kSliceExtent = 96;
constexpr int64_t kMaxSlices = 16;

struct Matrix {
  const float* data;
  int64_t row_stride;
  bool transposed;

  // The same operand without its first rows or columns, as op() sees them.
  Matrix from_row(int64_t i) const { return {data + (transposed ? i : i * row_stride), row_stride, transposed}; }
  Matrix from_column(int64_t j) const { return {data + (transposed ? j * row_stride : j), row_stride, transposed}; }
};

// oneDNN splits sums by the number of OpenMP threads, which is a setting of each calling thread.
void use_one_openmp_thread() {
  thread_local const bool done = (omp_set_num_threads(1), true);
  static_cast<void>(done);
}

void sgemm(int64_t m, int64_t n, int64_t k, Matrix a, Matrix b, float* c, int64_t c_row_stride, Store store) {
  use_one_openmp_thread();
  const dnnl_status_t status =
      dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1.0f, a.data, a.row_stride, b.data,
                 b.row_stride, store == Store::kAdd ? 1.0f : 0.0f, c, c_row_stride);
  PODIUM_CHECK(status == dnnl_success, "dnnl_sgemm: status {} for {}x{}x{}", static_cast<int>(status), m, n, k);
}

// Shape::rows(), also of a matrix with 0 columns.
int64_t row_count(const Shape& shape) {
  int64_t rows = 1;
  for (int i = 0; i + 1 < shape.rank(); ++i) rows *= shape[i];
  return rows;
}

// How many of `size` rows or columns each slice of the product has: a function of the shape alone. A power of two of
// slices, as teams of threads mostly are; a multiple of a cache line, so that no two write to the same.
int64_t slice_extent(int64_t size, double flop) {
  const int64_t slices = std::min({static_cast<int64_t>(flop / kSliceFlop), size / kSliceExtent, kMaxSlices});
  const int64_t even = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(slices, 1))));
  return ((size + even - 1) / even + 15) / 16 * 16;
}

}  // namespace

void matmul(Executor& executor, const Tensor& a, Transpose transpose_a, const Tensor& b, Transpose transpose_b,
            const Tensor& c, Store store) {
  const bool a_transposed = transpose_a == Transpose::kYes, b_transposed = transpose_b == Transpose::kYes;
  const int64_t m = a_transposed ? a.columns() : row_count(a.shape);
  const int64_t n = b_transposed ? row_count(b.shape) : b.columns();
  const int64_t k = a_transposed ? row_count(a.shape) : a.columns();
  PODIUM_CHECK((b_transposed ? b.columns() : row_count(b.shape)) == k && row_count(c.shape) == m && c.columns() == n,
               "{}{} times {}{} into {}", a.shape.text(), a_transposed ? "ᵀ" : "", b.shape.text(),
               b_transposed ? "ᵀ" : "", c.shape.text());
  if (m == 0 || n == 0) return;
  float* const out = c.f32();
  if (k == 0) {
    if (store == Store::kReplace) std::memset(out, 0, c.size_bytes());
    return;
  }
  const Matrix left{a.f32(), a.columns(), a_transposed}, right{b.f32(), b.columns(), b_transposed};
  // Never by k: sums stay whole.
  const bool by_rows = m >= n;
  const int64_t size = by_rows ? m : n;
  const int64_t extent = slice_extent(size, 2.0 * m * n * k);
  executor.threads.parallel_for((size + extent - 1) / extent, [&](int64_t slice) {
    const int64_t begin = slice * extent, count = std::min(extent, size - begin);
    if (by_rows) {
      sgemm(count, n, k, left.from_row(begin), right, out + begin * n, n, store);
    } else {
      sgemm(m, count, k, left, right.from_column(begin), out + begin, n, store);
    }
  });
}

}  // namespace podium
