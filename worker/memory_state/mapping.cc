#include "worker/memory_state/mapping.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "worker/base/error.h"

namespace podium {

Mapping::Mapping(void* data, size_t size_bytes) : data_(static_cast<char*>(data)), size_bytes_(size_bytes) {
  ::madvise(data_, size_bytes_, MADV_HUGEPAGE);  // a wish, not a need
}

Mapping Mapping::anonymous(size_t size_bytes) {
  size_bytes = std::max<size_t>(size_bytes, 1);
  void* data = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw Error("no memory: {} MiB for the training state", size_bytes >> 20);
  return {data, size_bytes};
}

Mapping Mapping::of_file(int descriptor, size_t size_bytes, const char* path) {
  void* data = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) throw_system_error(errno, path);
  return {data, size_bytes};
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(data_, size_bytes_);
}

}  // namespace podium
