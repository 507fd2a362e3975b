// How much memory a process has in use.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace podium {

// Resident, shared pages included, by /proc/ID/statm; nullopt: there is no such process any more.
std::optional<uint64_t> resident_bytes(pid_t process);

}  // namespace podium
