#include "worker/monitoring/process_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "worker/base/descriptor.h"

namespace podium {

std::optional<uint64_t> resident_bytes(pid_t process) {
  const Descriptor file(::open(fmt::format("/proc/{}/statm", process).c_str(), O_RDONLY | O_CLOEXEC));
  char text[128] = "";
  if (!file.is_open() || ::read(file.get(), text, sizeof text - 1) <= 0) return std::nullopt;
  unsigned long long all = 0, resident = 0;
  if (std::sscanf(text, "%llu %llu", &all, &resident) != 2) return std::nullopt;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace podium
