// manifest.json: what a snapshot consists of, written last. A folder without a valid one is no snapshot.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/base/error.h"
#include "worker/storage/object_store.h"

namespace podium {

inline constexpr const char* kManifestName = "manifest.json";

// A snapshot is torn, corrupt or foreign: another may be taken in its place. Every other Error means that the store
// could not be read, and says nothing about the snapshot.
class InvalidSnapshot : public Error {
 public:
  using Error::Error;
};

struct ManifestFile {
  std::string name;  // relative to the snapshot's folder
  uint64_t size_bytes = 0;
  uint32_t crc32c = 0;
  std::string sha256;  // 64 hexadecimal digits
  bool operator==(const ManifestFile&) const = default;
};

struct Manifest {
  std::string run;
  uint64_t step = 0;
  uint64_t epoch = 0;  // of the coordinator, and the generation in it, that wrote it
  uint64_t generation = 0;
  std::vector<ManifestFile> files;
  bool operator==(const Manifest&) const = default;
};

std::string manifest_text(const Manifest& manifest);
// Throws InvalidSnapshot beginning with `what`.
Manifest parse_manifest(std::string_view text, const std::string& what);

// Size and checksums of what is to be stored.
ManifestFile describe(const std::string& name, const ObjectSource& content);

// The manifest of the objects below `prefix` (empty, or a folder's name with a slash). Throws InvalidSnapshot when it
// is absent or cannot be used.
Manifest read_manifest(ObjectStore& store, const std::string& prefix);

// Reads every file of `manifest` from its first byte to its last. Throws InvalidSnapshot naming the first file that is
// missing or differs, with what was expected and what was found.
void verify_files(ObjectStore& store, const std::string& prefix, const Manifest& manifest);
// The same by size and CRC32C as the store knows them: no traffic with a bucket.
void verify_sizes(ObjectStore& store, const std::string& prefix, const Manifest& manifest);

}  // namespace podium
