// Where the workers of a local run keep their memory state when no setting says so.
#pragma once

#include <optional>

#include "worker/base/file.h"

namespace podium {

// PARENT/podium-UID-HASH for the run in `run_folder`, which exists; made if it is not there. The hash is of the
// folder's identity (device, inode, birth), so a folder that was removed and made again is another run. nullopt: there
// is no memory to be had in `parent`.
std::optional<fs::path> memory_folder_of(const fs::path& run_folder, const fs::path& parent = "/dev/shm");

// Removes those of this user whose runs' folders are gone. Never throws.
void remove_ownerless_memory(const fs::path& parent = "/dev/shm");

// Removes `folder` if nothing but its owner's name is in it.
void remove_if_empty(const fs::path& folder);

}  // namespace podium
