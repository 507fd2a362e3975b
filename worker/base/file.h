// Files as a program that may be killed at any instant must treat them: bounded reads, writes that are whole or absent,
// fsync.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace podium {

namespace fs = std::filesystem;

// The whole content of `path`. Throws Error naming the path when it cannot be read or is larger than `limit_bytes`.
std::string read_file(const fs::path& path, uint64_t limit_bytes = uint64_t{1} << 32);

// Writes `content` beside `path`, fsyncs it, renames it over `path` and fsyncs the folder: after a crash `path` holds
// either the old or the new content, whole. Throws Error naming the path.
void write_file_atomically(const fs::path& path, std::string_view content);

// Makes what was renamed or created in `folder` survive a power cut.
void sync_folder(const fs::path& folder);

// A file being written front to back; close() fsyncs it. Destroyed before close(), it removes what it wrote. Throws
// Error naming the path.
class FileWriter {
 public:
  explicit FileWriter(fs::path path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(const void* data, size_t size_bytes);
  void close();

 private:
  fs::path path_;
  int descriptor_;
};

// A file mapped read-only for as long as the object lives.
class MappedFile {
 public:
  explicit MappedFile(const fs::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view view() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace podium
