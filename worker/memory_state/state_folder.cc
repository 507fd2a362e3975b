#include "worker/memory_state/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "worker/base/error.h"
#include "worker/memory_state/header.h"

namespace podium {
namespace {

constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

bool is_run_name(std::string_view run) {
  return !run.empty() && run.size() <= kMaximumRunName && run.front() != '.' &&
         run.find_first_not_of(kNameCharacters) == std::string_view::npos;
}

}  // namespace

fs::path state_path(const fs::path& folder, const std::string& run, uint32_t ordinal, std::string_view kind) {
  if (!is_run_name(run))
    throw Error(
        "run name \"{}\": expected 1 to {} letters, digits, dashes, underscores and dots, and no dot at the beginning",
        run, kMaximumRunName);
  return folder / fmt::format("{}-{}.{}", run, ordinal, kind);
}

std::string run_of_file(std::string_view name, uint32_t ordinal, std::string_view kind) {
  const std::string ending = fmt::format("-{}.{}", ordinal, kind);
  if (!name.ends_with(ending)) return "";
  const std::string_view run = name.substr(0, name.size() - ending.size());
  return is_run_name(run) ? std::string(run) : "";
}

void prepare_folder(const fs::path& folder) {
  const fs::path path = folder.has_filename() ? folder : folder.parent_path();
  std::error_code ignored;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), ignored);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw_system_error(errno, path.string());
  // A link that somebody else made is refused with the same test.
  for (const auto look : {::lstat, ::stat}) {
    struct stat status;
    if (look(path.c_str(), &status) != 0) throw_system_error(errno, path.string());
    if (status.st_uid != ::geteuid())
      throw Error("{}: belongs to user {}, we are user {}: the memory state needs a folder of its own", path.string(),
                  status.st_uid, ::geteuid());
  }
  if (!fs::is_directory(path)) throw_system_error(ENOTDIR, path.string());
}

Descriptor lock_file(const fs::path& path, std::chrono::milliseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  while (true) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!file.is_open()) throw_system_error(errno, path.string());
    const bool locked = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK && errno != EINTR) throw_system_error(errno, path.string());
    struct stat status;
    // Who held the lock before may have removed the file: then others lock a new one.
    if (locked && ::fstat(file.get(), &status) == 0 && status.st_nlink > 0) return file;
    if (std::chrono::steady_clock::now() >= deadline) return {};
    if (!locked) std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(wait, std::chrono::milliseconds(5)));
  }
}

}  // namespace podium
