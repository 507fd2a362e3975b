#include "worker/snapshot/snapshot_copy.h"

#include <unistd.h>

#include <algorithm>

#include "worker/snapshot/stored_source.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

bool is_whole(const fs::path& folder, const Manifest& wanted) {
  try {
    LocalStore copy(folder);
    const Manifest found = read_manifest(copy, "");
    verify_files(copy, "", wanted);
    return found == wanted;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

void copy_snapshot(ObjectStore& store, const std::string& prefix, const Manifest& manifest, const fs::path& folder,
                   const std::vector<std::string>& names) {
  Manifest wanted = manifest, others = manifest;
  auto is_wanted = [&](const ManifestFile& file) {
    return names.empty() || std::find(names.begin(), names.end(), file.name) != names.end();
  };
  std::erase_if(wanted.files, [&](const ManifestFile& file) { return !is_wanted(file); });
  std::erase_if(others.files, is_wanted);
  verify_sizes(store, prefix, others);
  if (is_whole(folder, wanted)) return;
  const fs::path making = folder.string() + fmt::format(".{}", ::getpid());
  std::error_code ignored;
  fs::remove_all(making, ignored);
  try {
    LocalStore copy(making);
    for (const ManifestFile& file : wanted.files) copy.create_if_absent(file.name, StoredSource(store, prefix, file));
    copy.create_if_absent(kManifestName, MemorySource(manifest_text(wanted)));
    fs::remove_all(folder, ignored);  // what is there is torn
    std::error_code error;
    fs::rename(making, folder, error);
    // Another process may have been as fast.
    if (error && !is_whole(folder, wanted)) throw_system_error(error.value(), folder.string());
  } catch (...) {
    fs::remove_all(making, ignored);
    throw;
  }
  fs::remove_all(making, ignored);
}

}  // namespace podium
