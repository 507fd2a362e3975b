#include "worker/data/archive.h"

#include <fcntl.h>
#include <minizip/unzip.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "worker/base/error.h"
#include "worker/base/hash.h"
#include "worker/data/fetch.h"
#include "worker/data/tar.h"

namespace podium {
namespace {

using std::string_view;
using Sink = std::function<void(string_view)>;

constexpr size_t kPieceBytes = 1 << 18;
// Of zstd's window: what its command line tool accepts without --long. A frame cannot ask for more memory.
constexpr int kWindowLog = 27;

enum class Packing { kNone, kGzip, kZstd, kZip };

struct Format {
  Packing packing = Packing::kNone;
  bool is_tar = false;
  size_t suffix_size = 0;  // taken off the unpacked file's name
};

Format format_of(std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  struct Known {
    string_view suffix;
    Packing packing;
    bool is_tar;
  };
  for (const Known& known : {Known{".tar.gz", Packing::kGzip, true}, Known{".tgz", Packing::kGzip, true},
                             Known{".tar.zst", Packing::kZstd, true}, Known{".tar", Packing::kNone, true},
                             Known{".gz", Packing::kGzip, false}, Known{".zst", Packing::kZstd, false},
                             Known{".zip", Packing::kZip, false}}) {
    if (name.ends_with(known.suffix)) return {known.packing, known.is_tar, known.suffix.size()};
  }
  return {};
}

// The file piece by piece. An empty last piece is never given.
void read_pieces(const fs::path& path, const Sink& sink) {
  const MappedFile file(path);
  for (string_view rest = file.view(); !rest.empty(); rest.remove_prefix(std::min(kPieceBytes, rest.size())))
    sink(rest.substr(0, kPieceBytes));
}

class GzipStream {
 public:
  GzipStream() {
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw Error("zlib has no memory");
  }
  ~GzipStream() { inflateEnd(&stream_); }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  // One piece of the packed file; a file may be several gzip members, one behind the other.
  void feed(string_view piece, const Sink& sink) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      if (ended_ && stream_.avail_in > 0) inflateReset(&stream_);
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        throw Error("is corrupt ({})", stream_.msg != nullptr ? stream_.msg : zError(code));
      ended_ = code == Z_STREAM_END;
      sink({buffer_.data(), buffer_.size() - stream_.avail_out});
    } while (stream_.avail_in > 0 || stream_.avail_out == 0);
  }
  bool ended() const { return ended_; }

 private:
  z_stream stream_{};
  std::vector<char> buffer_ = std::vector<char>(kPieceBytes);
  bool ended_ = false;
};

void inflate_file(const fs::path& path, const Sink& sink) {
  GzipStream stream;
  read_pieces(path, [&](string_view piece) { stream.feed(piece, sink); });
  if (!stream.ended()) throw Error("ends early");
}

void decompress_zstd_file(const fs::path& path, const Sink& sink) {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
  if (stream == nullptr) throw Error("zstd has no memory");
  ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kWindowLog);
  std::vector<char> buffer(kPieceBytes);
  size_t expected = 1;  // 0 when a frame has just ended
  read_pieces(path, [&](string_view piece) {
    ZSTD_inBuffer input{piece.data(), piece.size(), 0};
    bool buffer_full = false;
    while (input.pos < input.size || buffer_full) {
      ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
      expected = ZSTD_decompressStream(stream.get(), &output, &input);
      if (ZSTD_isError(expected)) throw Error("is corrupt ({})", ZSTD_getErrorName(expected));
      sink({buffer.data(), output.pos});
      buffer_full = output.pos == output.size && expected != 0;
    }
  });
  if (expected != 0) throw Error("ends early");
}

struct ZipFile {
  unzFile handle;
  explicit ZipFile(const fs::path& path) : handle(unzOpen64(path.c_str())) {
    if (handle == nullptr) throw Error("is no zip file, or ends early");
  }
  ~ZipFile() { unzClose(handle); }
  ZipFile(const ZipFile&) = delete;
  ZipFile& operator=(const ZipFile&) = delete;
};

// The entry under the cursor; nothing for a folder.
struct ZipEntry {
  std::string name;
  uint64_t size_bytes;
  bool is_encrypted;
};

ZipEntry entry_at_cursor(unzFile zip) {
  unz_file_info64 info;
  std::vector<char> name(1 << 16);
  if (unzGetCurrentFileInfo64(zip, &info, name.data(), name.size(), nullptr, 0, nullptr, 0) != UNZ_OK)
    throw Error("is corrupt (its list of files)");
  name.back() = '\0';
  return {name.data(), info.uncompressed_size, (info.flag & 1) != 0};
}

// Moves the cursor to the one wanted.
ZipEntry find_entry(unzFile zip, const std::string& member) {
  std::optional<ZipEntry> found;
  unz64_file_pos place{};
  std::string names;
  int code = unzGoToFirstFile(zip);
  for (; code == UNZ_OK; code = unzGoToNextFile(zip)) {
    ZipEntry entry = entry_at_cursor(zip);
    if (entry.name.ends_with('/')) continue;
    if (names.size() < 300) names += (names.empty() ? "" : ", ") + entry.name;
    if (!member.empty() && entry.name != member) continue;
    if (found) throw Error("holds more than one file ({}, …); name one as ARCHIVE#MEMBER", names);
    unzGetFilePos64(zip, &place);
    found = std::move(entry);
  }
  if (code != UNZ_END_OF_LIST_OF_FILE) throw Error("is corrupt (its list of files)");
  if (!found) throw Error("holds no '{}'; files in it: {}", member, names);
  if (unzGoToFilePos64(zip, &place) != UNZ_OK) throw Error("is corrupt (its list of files)");
  return *found;
}

void unzip_file(const fs::path& path, const UnpackOptions& options, const Sink& sink) {
  const ZipFile zip(path);
  const ZipEntry entry = find_entry(zip.handle, options.member);
  if (entry.is_encrypted) throw Error("'{}' in it is encrypted", entry.name);
  if (unzOpenCurrentFile(zip.handle) != UNZ_OK)
    throw Error("'{}' in it is corrupt or packed by an unknown method", entry.name);
  std::vector<char> buffer(kPieceBytes);
  uint64_t size_bytes = 0;
  int count;
  while ((count = unzReadCurrentFile(zip.handle, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
    sink({buffer.data(), static_cast<size_t>(count)});
    size_bytes += static_cast<size_t>(count);
  }
  // Closing compares the CRC.
  const int closed = unzCloseCurrentFile(zip.handle);
  if (count < 0 || closed != UNZ_OK || size_bytes != entry.size_bytes)
    throw Error("'{}' in it is corrupt or ends early", entry.name);
}

void unpack_to(const fs::path& path, const Format& format, const UnpackOptions& options, const Sink& sink) {
  std::optional<TarExtractor> tar;
  if (format.is_tar) tar.emplace(options.member, sink);
  uint64_t unpacked_bytes = 0;
  const Sink bounded = [&](string_view piece) {
    unpacked_bytes += piece.size();
    if (unpacked_bytes > options.max_unpacked_bytes)
      throw Error("unpacks to more than the {} bytes allowed here", options.max_unpacked_bytes);
    tar ? tar->feed(piece) : sink(piece);
  };
  switch (format.packing) {
    case Packing::kNone:
      read_pieces(path, bounded);
      break;
    case Packing::kGzip:
      inflate_file(path, bounded);
      break;
    case Packing::kZstd:
      decompress_zstd_file(path, bounded);
      break;
    case Packing::kZip:
      unzip_file(path, options, bounded);
      break;
  }
  if (tar) tar->finish();
}

}  // namespace

fs::path unpack(const fs::path& path, const UnpackOptions& options) {
  const std::string name = path.filename().string();
  const Format format = format_of(name);
  const bool holds_members = format.is_tar || format.packing == Packing::kZip;
  if (!options.member.empty() && !holds_members)
    throw Error("{}: holds no '{}', it is no .zip or .tar archive", path.string(), options.member);
  if (format.packing == Packing::kNone && !format.is_tar) return path;

  const std::string key = sha256_of_file(path).substr(0, 16) + (options.member.empty() ? "" : "-") +
                          (options.member.empty() ? "" : sha256_hex(options.member).substr(0, 8));
  fs::path unpacked =
      options.cache_folder / fmt::format("{}-{}", key, name.substr(0, name.size() - format.suffix_size));
  std::error_code ignored;
  if (fs::is_regular_file(unpacked, ignored)) return unpacked;
  fs::create_directories(options.cache_folder);
  fs::path temporary = unpacked;
  temporary += fmt::format(".{}.part", ::getpid());
  FileWriter file(temporary);
  try {
    unpack_to(path, format, options, [&](string_view piece) { file.write(piece.data(), piece.size()); });
  } catch (const Error& error) {
    throw Error("{}: {}", path.string(), error.what());
  }
  file.close();
  fs::rename(temporary, unpacked);
  sync_folder(options.cache_folder);
  return unpacked;
}

}  // namespace podium
