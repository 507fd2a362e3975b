// Where snapshots live: named, immutable objects in a folder or a bucket. Small enough that a bucket, a folder and a
// faulty twin for tests can all keep its promises.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/base/error.h"
#include "worker/base/file.h"

namespace podium {

using ByteSink = std::function<void(std::string_view)>;

// The bytes of an object to be created. Read at any offset and more than once, because an upload goes on at the offset
// that the server names, which may lie before what was sent; by several threads, because its parts go at once. The
// bytes must not change while it is in use.
class ObjectSource {
 public:
  virtual ~ObjectSource() = default;
  virtual uint64_t size_bytes() const = 0;
  // Fills `buffer` with the bytes at [offset, offset + buffer.size()), which lie within the object.
  virtual void read(uint64_t offset, std::span<char> buffer) const = 0;
  // Calls `sink` with all bytes, front to back; as read() gives them, in pieces of at most 1 MiB.
  virtual void stream(const ByteSink& sink) const;
};

// An object in memory: a head that it owns (a whole small file, or a header) and pieces that the caller keeps alive.
class MemorySource : public ObjectSource {
 public:
  explicit MemorySource(std::string head, const std::vector<std::span<const char>>& pieces = {});
  uint64_t size_bytes() const override { return size_bytes_; }
  void read(uint64_t offset, std::span<char> buffer) const override;

 private:
  struct Piece {
    uint64_t begin;  // offset of its first byte in the object
    std::span<const char> bytes;
  };
  std::string head_;
  std::vector<Piece> pieces_;  // ascending by begin, none empty; the head is not among them
  uint64_t size_bytes_;
};

// A part of another, which must outlive it.
class SliceSource : public ObjectSource {
 public:
  SliceSource(const ObjectSource& whole, uint64_t begin, uint64_t size_bytes)
      : whole_(whole), begin_(begin), size_bytes_(size_bytes) {}
  uint64_t size_bytes() const override { return size_bytes_; }
  void read(uint64_t offset, std::span<char> buffer) const override { whole_.read(begin_ + offset, buffer); }

 private:
  const ObjectSource& whole_;
  const uint64_t begin_, size_bytes_;
};

struct ObjectInfo {
  uint64_t size_bytes = 0;
  uint32_t crc32c = 0;
  bool operator==(const ObjectInfo&) const = default;
};

// Bytes [begin, begin + size_bytes), cut at the object's end.
struct ByteRange {
  uint64_t begin = 0;
  uint64_t size_bytes = UINT64_MAX;
};

// This account may not do that: another attempt is of no use until somebody grants it.
class Refused : public Error {
 public:
  using Error::Error;
};

// A listing shows an object only when it is whole, and shows it at once. Every call throws Error naming the object and
// the cause when the store does not do what was asked (no permission, disk full, unreachable); what the caller must
// expect is in the result. Safe to call from several threads.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Creates `name` whole and durable, or not at all. nullopt: an object of that name exists already; it is untouched.
  virtual std::optional<ObjectInfo> create_if_absent(const std::string& name, const ObjectSource& content) = 0;
  // Streams the bytes into `sink`. False: there is no such object, and sink was not called.
  virtual bool read(const std::string& name, ByteRange range, const ByteSink& sink) = 0;
  // The names that begin with `prefix` (a prefix of the text, not a folder), ascending.
  virtual std::vector<std::string> list(const std::string& prefix) = 0;
  // Size and checksum of the stored bytes; nullopt: there is no such object. A local store reads the whole file for it.
  virtual std::optional<ObjectInfo> stat(const std::string& name) = 0;
  // Removes it durably. False: there was no such object.
  virtual bool remove(const std::string& name) = 0;

  // Ends calls that are under way in other threads, and all later ones, with an Error, as far as they could last long:
  // for a process that must go now.
  virtual void close() {}

  // How many calls at once are of use.
  virtual int streams() const { return 1; }

  // Where the object (or the folder of objects) `name` is on this machine, to map it; nullopt for a remote store.
  virtual std::optional<fs::path> local_path(const std::string& /*name*/) const { return std::nullopt; }
};

// The whole of a small object; nullopt: there is none. Throws Error when it is larger than `limit_bytes`.
std::optional<std::string> read_object(ObjectStore& store, const std::string& name, uint64_t limit_bytes);

// Names are valid in a bucket and in a folder: at most 1024 bytes, parts of 1 to 255 bytes between single slashes, no
// part that begins with a dot (so neither ".." nor hidden files), no control characters, no backslash.
bool is_object_name(std::string_view name);
// Throws Error saying so when it is not one.
void check_object_name(std::string_view name);

}  // namespace podium
