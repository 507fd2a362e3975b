// Packed files: the one place that knows zlib, zstd and minizip.
#pragma once

#include <string>

#include "worker/base/file.h"

namespace podium {

struct UnpackOptions {
  fs::path cache_folder = "data";  // where the unpacked file goes
  std::string member;              // of a .zip or .tar.*; empty: the archive must hold one file
  uint64_t max_unpacked_bytes = uint64_t{8} << 30;
};

// A .gz, .zst, .zip, .tar, .tar.gz, .tgz or .tar.zst is unpacked into the cache folder, under a name made of the
// archive's SHA-256; what is there already is used again. Any other file is returned as it is. Names inside an archive
// are compared and shown but never used as paths. Throws Error naming the file when it is truncated or corrupt, would
// take more than max_unpacked_bytes, or does not hold the one member expected.
fs::path unpack(const fs::path& path, const UnpackOptions& options);

}  // namespace podium
