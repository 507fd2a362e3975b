// A snapshot's folder on this machine, wherever it was copied to: what the `test` program opens.
#pragma once

#include <optional>

#include "worker/snapshot/manifest.h"

namespace podium {

struct SnapshotFolder {
  fs::path path;  // links resolved: it stays the same snapshot when `latest` moves on
  std::optional<Manifest> manifest;
};

// With a manifest, reads and checks every file that it names; throws InvalidSnapshot naming the one that differs.
// Without one there is nothing to check (a folder of Hugging Face's has none) and `manifest` is empty. Throws Error
// when there is no such folder.
SnapshotFolder verify_snapshot_folder(const fs::path& path);

// Makes `link` a symbolic link to `target` (relative to the link's folder) in one step, so that whoever follows it
// finds the old or the new target. Throws Error, and changes nothing, when `link` is there and is no link.
void point_link(const fs::path& link, const fs::path& target);

}  // namespace podium
