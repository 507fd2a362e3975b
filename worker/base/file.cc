#include "worker/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "worker/base/descriptor.h"
#include "worker/base/error.h"

namespace podium {
namespace {

int open_or_throw(const fs::path& path, int flags, mode_t mode = 0) {
  int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (descriptor < 0) throw_system_error(errno, path.string());
  return descriptor;
}

uint64_t regular_size(int descriptor, const fs::path& path) {
  struct stat status;
  if (::fstat(descriptor, &status) != 0) throw_system_error(errno, path.string());
  if (S_ISDIR(status.st_mode)) throw Error("{}: is a folder, a file was expected", path.string());
  return static_cast<uint64_t>(status.st_size);
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t limit_bytes) {
  Descriptor file(open_or_throw(path, O_RDONLY));
  regular_size(file.get(), path);
  std::string content;
  char buffer[1 << 16];
  while (true) {
    ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system_error(errno, path.string());
    if (count == 0) return content;
    content.append(buffer, static_cast<size_t>(count));
    if (content.size() > limit_bytes)
      throw Error("{}: larger than the {} bytes allowed here", path.string(), limit_bytes);
  }
}

void write_file_atomically(const fs::path& path, std::string_view content) {
  fs::path temporary = path;
  temporary += ".writing";
  FileWriter writer(temporary);
  writer.write(content.data(), content.size());
  writer.close();
  if (::rename(temporary.c_str(), path.c_str()) != 0) throw_system_error(errno, path.string());
  sync_folder(path.parent_path().empty() ? fs::path(".") : path.parent_path());
}

void sync_folder(const fs::path& folder) {
  Descriptor file(open_or_throw(folder, O_RDONLY | O_DIRECTORY));
  // Some file systems (FUSE) cannot fsync a folder; they say EINVAL.
  if (::fsync(file.get()) != 0 && errno != EINVAL) throw_system_error(errno, folder.string());
}

FileWriter::FileWriter(fs::path path)
    : path_(std::move(path)), descriptor_(open_or_throw(path_, O_WRONLY | O_CREAT | O_TRUNC, 0644)) {}

FileWriter::~FileWriter() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(path_.c_str());
}

void FileWriter::write(const void* data, size_t size_bytes) {
  const char* next = static_cast<const char*>(data);
  while (size_bytes > 0) {
    ssize_t count = ::write(descriptor_, next, size_bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system_error(errno, path_.string());
    next += count;
    size_bytes -= static_cast<size_t>(count);
  }
}

void FileWriter::close() {
  if (::fsync(descriptor_) != 0) throw_system_error(errno, path_.string());
  int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0) throw_system_error(errno, path_.string());
}

MappedFile::MappedFile(const fs::path& path) {
  Descriptor file(open_or_throw(path, O_RDONLY));
  size_ = regular_size(file.get(), path);
  if (size_ == 0) return;
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapping == MAP_FAILED) throw_system_error(errno, path.string());
  data_ = static_cast<const char*>(mapping);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace podium
