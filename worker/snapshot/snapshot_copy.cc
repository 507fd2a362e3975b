#include "worker/snapshot/snapshot_copy.h"

#include <unistd.h>

#include <algorithm>

#include "worker/base/hash.h"
#include "worker/storage/local_store.h"
#include "worker/storage/temporary_file.h"

namespace podium {
namespace {

void copy_file(ObjectStore& store, const std::string& prefix, const ManifestFile& file, const fs::path& folder) {
  const std::string name = prefix + file.name;
  create_folders((folder / file.name).parent_path());
  FileWriter writer(folder / file.name);
  ManifestFile found{file.name, 0, 0, {}};
  Sha256 sha256;
  const bool exists = store.read(name, {}, [&](std::string_view bytes) {
    found.size_bytes += bytes.size();
    found.crc32c = crc32c(bytes.data(), bytes.size(), found.crc32c);
    sha256.update(bytes);
    if (found.size_bytes > file.size_bytes)
      throw InvalidSnapshot("{}: more than the {} bytes that the manifest says", name, file.size_bytes);
    writer.write(bytes.data(), bytes.size());
  });
  if (!exists) throw InvalidSnapshot("{}: missing", name);
  found.sha256 = sha256.hex_digest();
  if (found != file)
    throw InvalidSnapshot("{}: {} bytes with CRC32C {:08x} and SHA-256 {}, the manifest says {}, {:08x} and {}", name,
                          found.size_bytes, found.crc32c, found.sha256, file.size_bytes, file.crc32c, file.sha256);
  writer.close();
}

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
    create_folders(making);
    for (const ManifestFile& file : wanted.files) copy_file(store, prefix, file, making);
    write_file_atomically(making / kManifestName, manifest_text(wanted));
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
