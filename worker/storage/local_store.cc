#include "worker/storage/local_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "worker/base/descriptor.h"
#include "worker/base/error.h"
#include "worker/base/hash.h"
#include "worker/storage/temporary_file.h"

namespace podium {
namespace {

bool is_absent(int error_number) { return error_number == ENOENT || error_number == ENOTDIR; }

// Open for reading; not open when there is no such file (a folder is none).
Descriptor open_object(const fs::path& path) {
  // O_NONBLOCK: a named pipe in the folder must not block us.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open() && is_absent(errno)) return {};
  if (!file.is_open()) throw_system_error(errno, path.string());
  struct stat status;
  if (::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode)) return file;
  return {};
}

// Appends the names below `folder`; `name` is the folder's own name with a slash, empty for the root.
void list_below(const fs::path& folder, const std::string& name, const std::string& prefix,
                std::vector<std::string>& names) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::string child = name + it->path().filename().string();
    if (!is_object_name(child)) continue;
    std::error_code gone;
    fs::file_type type = it->symlink_status(gone).type();
    if (type == fs::file_type::regular && child.starts_with(prefix)) names.push_back(child);
    child += '/';
    if (type == fs::file_type::directory && (child.starts_with(prefix) || prefix.starts_with(child)))
      list_below(it->path(), child, prefix, names);
  }
  // Absent: removed while we looked, or there never was a store.
  if (error && !is_absent(error.value())) throw_system_error(error.value(), folder.string());
}

}  // namespace

LocalStore::LocalStore(const fs::path& root) : root_(fs::absolute(root).lexically_normal()) {
  if (!root_.has_filename()) root_ = root_.parent_path();
}

fs::path LocalStore::path_of(const std::string& name) const {
  check_object_name(name);
  return root_ / name;
}

std::optional<ObjectInfo> LocalStore::create_if_absent(const std::string& name, const ObjectSource& content) {
  const fs::path path = path_of(name);
  struct stat status;
  // Saves writing the content; publish() is what decides.
  if (::lstat(path.c_str(), &status) == 0) return std::nullopt;
  const fs::path folder = root_ / ".writing";
  create_folders(folder);
  std::call_once(cleaned_, [&] { remove_abandoned(folder); });
  TemporaryFile file(folder, path);
  ObjectInfo info;
  content.stream([&](std::string_view bytes) {
    file.write(bytes);
    info.crc32c = crc32c(bytes.data(), bytes.size(), info.crc32c);
    info.size_bytes += bytes.size();
  });
  if (!file.publish()) return std::nullopt;
  return info;
}

bool LocalStore::read(const std::string& name, ByteRange range, const ByteSink& sink) {
  const fs::path path = path_of(name);
  const Descriptor file = open_object(path);
  if (!file.is_open()) return false;
  constexpr uint64_t kLargestOffset = INT64_MAX;
  uint64_t offset = std::min(range.begin, kLargestOffset);
  uint64_t left = std::min(range.size_bytes, kLargestOffset - offset);
  const uint64_t piece = std::min<uint64_t>(left, 1 << 20);
  const auto buffer = std::make_unique_for_overwrite<char[]>(piece);
  while (left > 0) {
    ssize_t count = ::pread(file.get(), buffer.get(), std::min(left, piece), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system_error(errno, path.string());
    if (count == 0) break;
    sink({buffer.get(), static_cast<size_t>(count)});
    offset += static_cast<uint64_t>(count);
    left -= static_cast<uint64_t>(count);
  }
  return true;
}

std::vector<std::string> LocalStore::list(const std::string& prefix) {
  std::vector<std::string> names;
  list_below(root_, "", prefix, names);
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<ObjectInfo> LocalStore::stat(const std::string& name) {
  ObjectInfo info;
  bool found = read(name, {}, [&](std::string_view bytes) {
    info.crc32c = crc32c(bytes.data(), bytes.size(), info.crc32c);
    info.size_bytes += bytes.size();
  });
  return found ? std::optional(info) : std::nullopt;
}

bool LocalStore::remove(const std::string& name) {
  const fs::path path = path_of(name);
  if (::unlink(path.c_str()) != 0) {
    const int error_number = errno;
    if (is_absent(error_number)) return false;
    if (error_number == EACCES || error_number == EPERM || error_number == EROFS)
      throw Refused("{}: {}", path.string(), std::generic_category().message(error_number));
    throw_system_error(error_number, path.string());
  }
  fs::path folder = path.parent_path();
  try {
    sync_folder(folder);
  } catch (const Error&) {
    // Another who removes may have taken the empty folder away.
    if (fs::exists(folder)) throw;
  }
  while (folder != root_ && ::rmdir(folder.c_str()) == 0) folder = folder.parent_path();
  return true;
}

std::optional<fs::path> LocalStore::local_path(const std::string& name) const { return path_of(name); }

}  // namespace podium
