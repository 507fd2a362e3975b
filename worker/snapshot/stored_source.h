// A snapshot's file where it is stored now, on its way into another store: the one path by which snapshots are fetched.
#pragma once

#include <functional>
#include <string>

#include "worker/snapshot/manifest.h"

namespace podium {

class StoredSource : public ObjectSource {
 public:
  // The object `prefix` + file.name of `store`, which must outlive this. `between_pieces` is called now and then,
  // perhaps by several threads, and throws to give the copy up.
  StoredSource(
      ObjectStore& store, const std::string& prefix, const ManifestFile& file,
      std::function<void()> between_pieces = [] {})
      : store_(store), name_(prefix + file.name), file_(file), between_pieces_(std::move(between_pieces)) {}

  uint64_t size_bytes() const override { return file_.size_bytes; }
  // Throws InvalidSnapshot when the object is missing or shorter.
  void read(uint64_t offset, std::span<char> buffer) const override;
  // In one read, which checks what comes by size, CRC32C and SHA-256. Throws InvalidSnapshot when it differs; what was
  // passed on is of no use then.
  void stream(const ByteSink& sink) const override;

 private:
  ObjectStore& store_;
  const std::string name_;
  const ManifestFile file_;
  const std::function<void()> between_pieces_;
};

}  // namespace podium
