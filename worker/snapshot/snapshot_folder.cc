#include "worker/snapshot/snapshot_folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "worker/storage/local_store.h"

namespace podium {

SnapshotFolder verify_snapshot_folder(const fs::path& path) {
  std::error_code error;
  SnapshotFolder folder{fs::canonical(path, error), std::nullopt};
  if (error) throw_system_error(error.value(), path.string());
  if (!fs::is_directory(folder.path)) throw Error("{}: is no folder", path.string());
  LocalStore store(folder.path);
  if (!store.read(kManifestName, {0, 0}, [](std::string_view) {})) return folder;
  try {
    folder.manifest = read_manifest(store, "");
    verify_files(store, "", *folder.manifest);
  } catch (const InvalidSnapshot& invalid) {
    throw InvalidSnapshot("{}: {}", folder.path.string(), invalid.what());
  }
  return folder;
}

void point_link(const fs::path& link, const fs::path& target) {
  std::error_code absent;
  fs::file_type type = fs::symlink_status(link, absent).type();
  if (type != fs::file_type::symlink && type != fs::file_type::not_found)
    throw Error("{}: is there and is no symbolic link; left alone", link.string());
  const fs::path temporary = link.parent_path() / ("." + link.filename().string() + ".new");
  int error_number = EEXIST;
  // EEXIST: left by a killed process. ENOENT: another process took ours, and is about to do the same as we.
  for (int attempt = 0; attempt < 3 && (error_number == EEXIST || error_number == ENOENT); ++attempt) {
    ::unlink(temporary.c_str());
    bool done = ::symlink(target.c_str(), temporary.c_str()) == 0 && ::rename(temporary.c_str(), link.c_str()) == 0;
    error_number = done ? 0 : errno;
  }
  if (error_number != 0) throw_system_error(error_number, link.string());
  sync_folder(link.parent_path());
}

}  // namespace podium
