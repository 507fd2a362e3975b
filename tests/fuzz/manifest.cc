// Any text as a snapshot's manifest: refused as an invalid snapshot, or the same when it is written and read again.
#include "worker/snapshot/manifest.h"

#include "tests/fuzz/fuzz_target.h"
#include "worker/snapshot/snapshot_name.h"

namespace podium {
namespace {

std::optional<Manifest> parsed(std::string_view text) {
  try {
    return parse_manifest(text, "manifest");
  } catch (const InvalidSnapshot&) {  // and no other Error
    return std::nullopt;
  }
}

}  // namespace

PODIUM_FUZZ_TARGET(manifest) {
  if (const auto name = SnapshotName::parse(bytes)) PODIUM_CHECK(name->text() == bytes);
  const std::optional<Manifest> manifest = parsed(bytes);
  if (!manifest) return;
  for (const ManifestFile& file : manifest->files)
    PODIUM_CHECK(is_object_name(file.name) && file.name != kManifestName && file.sha256.size() == 64, "{}", file.name);
  PODIUM_CHECK(parsed(manifest_text(*manifest)) == manifest, "{}", manifest_text(*manifest));
}

}  // namespace podium
