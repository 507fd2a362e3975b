#include "worker/tensor/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

namespace podium {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

Arena::Arena(size_t capacity_bytes) : capacity_(round_up(std::max<size_t>(capacity_bytes, 1), kHugePage)) {
  void* memory = ::mmap(nullptr, capacity_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw Error("no memory: {} MiB for the activations of a step", capacity_ >> 20);
  ::madvise(memory, capacity_, MADV_HUGEPAGE);  // a wish, not a need
  base_ = static_cast<char*>(memory);
}

Arena::~Arena() {
  if (base_ != nullptr) ::munmap(base_, capacity_);
}

Arena::Arena(Arena&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), capacity_(other.capacity_), used_(other.used_), peak_(other.peak_) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(capacity_, other.capacity_);
  std::swap(used_, other.used_);
  std::swap(peak_, other.peak_);
  return *this;
}

Tensor Arena::allocate(Shape shape, DType dtype) {
  size_t begin = used_;
  used_ += round_up(static_cast<size_t>(shape.size()) * size_of(dtype), kAlignment);
  peak_ = std::max(peak_, used_);
  if (measures()) return {nullptr, dtype, shape};
  PODIUM_CHECK(used_ <= capacity_, "the arena of {} bytes is too small for {}", capacity_, shape.text());
  return {base_ + begin, dtype, shape};
}

}  // namespace podium
