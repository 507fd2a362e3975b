#include "worker/storage/object_store.h"

#include <algorithm>
#include <cstring>

namespace podium {

void ObjectSource::stream(const ByteSink& sink) const {
  const uint64_t size = size_bytes();
  std::vector<char> buffer(std::min<uint64_t>(size, 1 << 20));
  for (uint64_t offset = 0; offset < size;) {
    std::span<char> piece(buffer.data(), std::min<uint64_t>(buffer.size(), size - offset));
    read(offset, piece);
    sink({piece.data(), piece.size()});
    offset += piece.size();
  }
}

MemorySource::MemorySource(std::string head, const std::vector<std::span<const char>>& pieces)
    : head_(std::move(head)), size_bytes_(head_.size()) {
  for (std::span<const char> bytes : pieces) {
    if (bytes.empty()) continue;
    pieces_.push_back({size_bytes_, bytes});
    size_bytes_ += bytes.size();
  }
}

void MemorySource::read(uint64_t offset, std::span<char> buffer) const {
  PODIUM_CHECK(offset <= size_bytes_ && buffer.size() <= size_bytes_ - offset, "{}+{} of {} bytes", offset,
               buffer.size(), size_bytes_);
  auto next = std::upper_bound(pieces_.begin(), pieces_.end(), offset,
                               [](uint64_t value, const Piece& piece) { return value < piece.begin; });
  Piece piece = next == pieces_.begin() ? Piece{0, head_} : *(next - 1);
  while (!buffer.empty()) {
    std::span<const char> rest = piece.bytes.subspan(offset - piece.begin);
    size_t count = std::min(rest.size(), buffer.size());
    if (count > 0) std::memcpy(buffer.data(), rest.data(), count);
    buffer = buffer.subspan(count);
    offset += count;
    if (next != pieces_.end()) piece = *next++;
  }
}

std::optional<std::string> read_object(ObjectStore& store, const std::string& name, uint64_t limit_bytes) {
  std::string content;
  // One byte more than allowed tells too large from just fitting, without reading the rest.
  const ByteRange range{0, limit_bytes == UINT64_MAX ? limit_bytes : limit_bytes + 1};
  if (!store.read(name, range, [&](std::string_view bytes) { content += bytes; })) return std::nullopt;
  if (content.size() > limit_bytes) throw Error("{}: larger than the {} bytes allowed here", name, limit_bytes);
  return content;
}

bool is_object_name(std::string_view name) {
  if (name.empty() || name.size() > 1024) return false;
  for (unsigned char c : name)
    if (c < 0x20 || c == 0x7f || c == '\\') return false;
  for (size_t begin = 0; begin <= name.size();) {
    size_t end = std::min(name.find('/', begin), name.size());
    if (end == begin || end - begin > 255 || name[begin] == '.') return false;
    begin = end + 1;
  }
  return true;
}

void check_object_name(std::string_view name) {
  if (is_object_name(name)) return;
  std::string shown;
  for (unsigned char c : name.substr(0, 80)) shown += c < 0x20 || c == 0x7f ? '?' : static_cast<char>(c);
  throw Error(
      "\"{}\" ({} bytes) cannot name an object: expected at most 1024 bytes, parts of 1 to 255 bytes between slashes, "
      "none beginning with a dot, no control characters, no backslash",
      shown, name.size());
}

}  // namespace podium
