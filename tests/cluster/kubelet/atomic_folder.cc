#include "tests/cluster/kubelet/atomic_folder.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "worker/base/error.h"

namespace podium::cluster {
namespace {

bool holds(const fs::path& folder, const PublishedFiles& files) {
  size_t found = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder / "..data" / "", error))
    if (entry.is_regular_file()) ++found;
  if (error || found != files.size()) return false;
  for (const auto& [name, file] : files) {
    const fs::path path = folder / "..data" / name;
    if (!fs::exists(path) || read_file(path) != file.content) return false;
  }
  return true;
}

void check(int result, const fs::path& path) {
  if (result != 0) throw_system_error(errno, path.string());
}

void write(const fs::path& path, const PublishedFile& file, FileOwner owner) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << file.content;
  check(::chown(path.c_str(), static_cast<uid_t>(owner.user), static_cast<gid_t>(owner.group)), path);
  check(::chmod(path.c_str(), static_cast<mode_t>(file.mode)), path);
}

}  // namespace

void publish(const fs::path& folder, const PublishedFiles& files, FileOwner owner) {
  if (holds(folder, files)) return;
  std::string made = (folder / "..version_XXXXXX").string();
  if (::mkdtemp(made.data()) == nullptr) throw_system_error(errno, made);
  check(::chmod(made.c_str(), 0755), made);
  for (const auto& [name, file] : files) write(fs::path(made) / name, file, owner);

  const fs::path data = folder / "..data", old = fs::is_symlink(data) ? folder / fs::read_symlink(data) : "";
  fs::create_symlink(fs::path(made).filename(), folder / "..data_next");
  fs::rename(folder / "..data_next", data);
  std::set<std::string> names;
  for (const auto& [name, file] : files) names.insert(fs::path(name).begin()->string());
  for (const std::string& name : names)
    if (!fs::is_symlink(folder / name)) fs::create_symlink(fs::path("..data") / name, folder / name);
  for (const auto& entry : fs::directory_iterator(folder))
    if (const std::string name = entry.path().filename(); !name.starts_with("..") && !names.contains(name))
      fs::remove(entry.path());
  if (!old.empty()) fs::remove_all(old);
}

}  // namespace podium::cluster
