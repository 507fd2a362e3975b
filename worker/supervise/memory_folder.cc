#include "worker/supervise/memory_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "worker/base/error.h"
#include "worker/base/hash.h"

namespace podium {
namespace {

constexpr const char* kOwner = "owner";
constexpr uint64_t kLongestPath = 4096;

std::string prefix() { return fmt::format("podium-{}-", ::getuid()); }

std::optional<std::string> identity_of(const fs::path& folder) {
  struct statx status;
  if (::statx(AT_FDCWD, folder.c_str(), 0, STATX_INO | STATX_BTIME, &status) != 0 || !S_ISDIR(status.stx_mode))
    return std::nullopt;
  const bool has_birth = (status.stx_mask & STATX_BTIME) != 0;
  const std::string text =
      fmt::format("{} {} {} {} {}", status.stx_dev_major, status.stx_dev_minor, status.stx_ino,
                  has_birth ? status.stx_btime.tv_sec : 0, has_birth ? status.stx_btime.tv_nsec : 0);
  return sha256_hex(text).substr(0, 16);
}

bool is_own_folder(const fs::path& path) {
  struct stat status;
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::getuid();
}

// A folder without a name in it may be about to get one.
bool is_ownerless(const fs::path& folder) {
  std::error_code absent;
  if (!fs::exists(folder / kOwner, absent)) {
    const auto age = fs::file_time_type::clock::now() - fs::last_write_time(folder);
    return age > std::chrono::minutes(1);
  }
  const std::optional<std::string> identity = identity_of(read_file(folder / kOwner, kLongestPath));
  return !identity || folder.filename() != prefix() + *identity;
}

}  // namespace

std::optional<fs::path> memory_folder_of(const fs::path& run_folder, const fs::path& parent) {
  const std::optional<std::string> identity = identity_of(run_folder);
  if (!identity) throw Error("{}: no folder", run_folder.string());
  const fs::path folder = parent / (prefix() + *identity);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return std::nullopt;
  if (!is_own_folder(folder)) return std::nullopt;
  write_file_atomically(folder / kOwner, fs::absolute(run_folder).string());
  return folder;
}

void remove_ownerless_memory(const fs::path& parent) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    try {
      if (entry.path().filename().string().starts_with(prefix()) && is_own_folder(entry.path()) &&
          is_ownerless(entry.path()))
        fs::remove_all(entry.path(), ignored);
    } catch (const std::exception&) {  // it vanished meanwhile, or cannot be read: it stays
    }
  }
}

void remove_if_empty(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().filename() != kOwner) return;
  fs::remove(folder / kOwner, ignored);
  fs::remove(folder, ignored);
}

}  // namespace podium
