// The folder that memory states lie in: names, owner and locks.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "worker/base/descriptor.h"
#include "worker/base/file.h"

namespace podium {

// RUN-ORDINAL.KIND, where the kind is "0", "1" or "lock". Throws Error for a run name that is none.
fs::path state_path(const fs::path& folder, const std::string& run, uint32_t ordinal, std::string_view kind);

// The run that the file of this name belongs to; empty: it is no file of `ordinal`.
std::string run_of_file(std::string_view name, uint32_t ordinal, std::string_view kind);

// Makes `folder` (mode 0700) when it is missing. Throws Error when it is another user's: who can write there can
// put a state under us.
void prepare_folder(const fs::path& folder);

// An exclusive lock of the file, made when it is missing, until the descriptor is closed; one that is not open: another
// process kept the lock for `wait`. What is unlinked under its lock stays nobody's. Throws Error naming the path.
Descriptor lock_file(const fs::path& path, std::chrono::milliseconds wait);

}  // namespace podium
