// A snapshot of a remote store on this machine, where its files can be mapped.
#pragma once

#include <string>
#include <vector>

#include "worker/snapshot/manifest.h"

namespace podium {

// Reads the files of `manifest` below `prefix` once, checks them by size, CRC32C and SHA-256 on their way, and leaves
// them in `folder`, the manifest last; one that is there already and whole is not read again. Of files that are not in
// `names` (none: all are) only what the store knows of them is checked. Several processes may do so at once. Throws
// InvalidSnapshot naming the file that is missing or differs.
void copy_snapshot(ObjectStore& store, const std::string& prefix, const Manifest& manifest, const fs::path& folder,
                   const std::vector<std::string>& names);

}  // namespace podium
