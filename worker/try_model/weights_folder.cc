#include "worker/try_model/weights_folder.h"

#include <cstdlib>

#include "worker/snapshot/snapshot_copy.h"
#include "worker/storage/open_store.h"

namespace podium {
namespace {

constexpr std::string_view kScheme = "gs://";

fs::path cache_folder() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  if (cache != nullptr && *cache != '\0') return fs::path(cache) / "podium";
  if (home != nullptr && *home != '\0') return fs::path(home) / ".cache" / "podium";
  throw Error("HOME is not set: expected a folder to keep weights from a bucket in");
}

}  // namespace

fs::path weights_folder(const std::string& weights, const std::string& key_file) {
  if (!weights.starts_with(kScheme)) return weights;
  const std::unique_ptr<ObjectStore> store = open_store(weights, {.key_file = key_file});
  const fs::path folder = cache_folder() / weights.substr(kScheme.size());
  const Manifest manifest = read_manifest(*store, "");
  std::vector<std::string> names;
  for (const ManifestFile& file : manifest.files)
    if (file.name != "optimizer.safetensors") names.push_back(file.name);
  copy_snapshot(*store, "", manifest, folder, names);
  return folder;
}

}  // namespace podium
