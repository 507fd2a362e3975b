#include "worker/storage/temporary_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "worker/base/error.h"

namespace podium {
namespace {

constexpr time_t kAbandonedAfterSeconds = 24 * 3600;

// "HOST~": what the names of this host's temporaries begin with. A pod's host name is its own and survives restarts.
std::string host_prefix() {
  char host[256] = "";
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return std::string(host) + "~";
}

fs::path unused_path(const fs::path& folder) {
  static std::atomic<uint64_t> counter{0};
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  // The process number alone is not enough: in a container it is always the same small one.
  return folder /
         fmt::format("{}{}-{}-{}", host_prefix(), ::getpid(), now.tv_sec * 1000000000 + now.tv_nsec, ++counter);
}

bool is_still_linked(int descriptor) {
  struct stat status;
  return ::fstat(descriptor, &status) == 0 && status.st_nlink > 0;
}

}  // namespace

TemporaryFile::TemporaryFile(const fs::path& folder, fs::path target) : target_(std::move(target)) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    path_ = unused_path(folder);
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor_ < 0) throw_system_error(errno, target_.string());
    // One that cleans up may come between open and flock: it holds the lock, or has removed the file. Where there are
    // no locks at all (some network file systems), it goes by the file's age.
    const bool contested = ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!contested && is_still_linked(descriptor_)) return;
    ::unlink(path_.c_str());
    ::close(descriptor_);
  }
  throw Error("{}: its temporary file {} is removed again and again", target_.string(), path_.string());
}

TemporaryFile::~TemporaryFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
  ::close(descriptor_);
}

void TemporaryFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system_error(errno, target_.string());
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

bool TemporaryFile::publish() {
  if (::fsync(descriptor_) != 0) throw_system_error(errno, target_.string());
  bool published = false;
  int error_number = ENOENT;
  // ENOENT: a removal of the last object of that folder took the folder away; once more.
  for (int attempt = 0; error_number == ENOENT && attempt < 10; ++attempt) {
    create_folders(target_.parent_path());
    published = ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) == 0;
    error_number = published ? 0 : errno;
    if (error_number == EEXIST) return false;
    if (error_number == EINVAL || error_number == ENOSYS || error_number == EOPNOTSUPP) {
      published = publish_by_link(path_, target_, error_number);
      if (!published && error_number == 0) return false;
    }
  }
  if (!published) throw_system_error(error_number, target_.string());
  path_.clear();
  sync_folder(target_.parent_path());
  return true;
}

bool publish_by_link(const fs::path& from, const fs::path& to, int& error_number) {
  error_number = ::link(from.c_str(), to.c_str()) == 0 ? 0 : errno;
  if (error_number == EEXIST) {
    error_number = 0;
    // A server whose reply was lost does it, is asked again, and refuses: then both names are one file.
    struct stat ours, theirs;
    if (::lstat(from.c_str(), &ours) != 0 || ::lstat(to.c_str(), &theirs) != 0 || ours.st_ino != theirs.st_ino ||
        ours.st_dev != theirs.st_dev)
      return false;
  }
  if (error_number != 0) return false;
  ::unlink(from.c_str());
  return true;
}

void remove_abandoned(const fs::path& folder) {
  const std::string host = host_prefix();
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    // For writing: NFS gives an exclusive lock to nobody else.
    int descriptor = ::open(it->path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) continue;
    struct stat status;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
        (it->path().filename().string().starts_with(host) ||
         status.st_mtime + kAbandonedAfterSeconds < ::time(nullptr)))
      ::unlink(it->path().c_str());
    ::close(descriptor);
  }
}

void create_folders(const fs::path& folder) {
  if (folder.is_relative()) return create_folders(fs::absolute(folder));
  int result = ::mkdir(folder.c_str(), 0755);
  if (result != 0 && errno == ENOENT && folder.parent_path() != folder) {
    create_folders(folder.parent_path());
    result = ::mkdir(folder.c_str(), 0755);
  }
  if (result == 0) return sync_folder(folder.parent_path());
  int error_number = errno;
  if (error_number == EEXIST && fs::is_directory(folder)) return;
  throw_system_error(error_number == EEXIST ? ENOTDIR : error_number, folder.string());
}

}  // namespace podium
