// A file of a data set, from wherever its name says, as a plain local file.
#pragma once

#include <string>

#include "worker/data/fetch.h"

namespace podium {

// Fetches and unpacks: `name` is a path or URL, packed or not; "archive.zip#member" names a file in an archive. The
// unpacked file goes into options.cache_folder too. Throws Error naming the file.
fs::path dataset_file(const std::string& name, const FetchOptions& options,
                      uint64_t max_unpacked_bytes = uint64_t{8} << 30);

}  // namespace podium
