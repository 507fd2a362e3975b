// Memory for the activations of a step: planned once for the largest batch, then handed out by moving a pointer.
#pragma once

#include <cstddef>

#include "worker/tensor/tensor.h"

namespace podium {

// Two uses of the same planning code: an arena without memory measures how much a plan needs; one of that size serves
// it. A plan that runs over the end is a bug of ours and is caught.
class Arena {
 public:
  // Measures only: the views it hands out have no address.
  Arena() = default;
  // Owns `capacity_bytes`, in huge pages where the system gives them. Throws Error when there is no such memory.
  explicit Arena(size_t capacity_bytes);
  ~Arena();
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;

  // 64-byte aligned, not cleared.
  Tensor allocate(Shape shape, DType dtype = DType::kFloat32);

  // What is allocated after mark() is given back by release(mark): scratch of one layer that the next may reuse.
  size_t mark() const { return used_; }
  void release(size_t mark) { used_ = mark; }
  void clear() { used_ = 0; }

  bool measures() const { return base_ == nullptr; }
  size_t peak_bytes() const { return peak_; }
  size_t capacity_bytes() const { return capacity_; }

 private:
  char* base_ = nullptr;
  size_t capacity_ = 0;
  size_t used_ = 0;
  size_t peak_ = 0;
};

}  // namespace podium
