#include "worker/snapshot/stored_source.h"

#include <algorithm>
#include <cstring>

#include "worker/base/hash.h"

namespace podium {

void StoredSource::read(uint64_t offset, std::span<char> buffer) const {
  between_pieces_();
  size_t filled = 0;
  const bool exists = store_.read(name_, {offset, buffer.size()}, [&](std::string_view bytes) {
    const size_t count = std::min(bytes.size(), buffer.size() - filled);
    std::memcpy(buffer.data() + filled, bytes.data(), count);
    filled += count;
  });
  if (!exists || filled != buffer.size())
    throw InvalidSnapshot("{}: {} of the {} bytes from {} on are there", name_, filled, buffer.size(), offset);
}

void StoredSource::stream(const ByteSink& sink) const {
  ManifestFile found{file_.name, 0, 0, {}};
  Sha256 sha256;
  const bool exists = store_.read(name_, {}, [&](std::string_view bytes) {
    between_pieces_();
    found.size_bytes += bytes.size();
    found.crc32c = crc32c(bytes.data(), bytes.size(), found.crc32c);
    sha256.update(bytes);
    if (found.size_bytes > file_.size_bytes)
      throw InvalidSnapshot("{}: more than the {} bytes that the manifest says", name_, file_.size_bytes);
    sink(bytes);
  });
  if (!exists) throw InvalidSnapshot("{}: missing", name_);
  found.sha256 = sha256.hex_digest();
  if (found != file_)
    throw InvalidSnapshot("{}: {} bytes with CRC32C {:08x} and SHA-256 {}, the manifest says {}, {:08x} and {}", name_,
                          found.size_bytes, found.crc32c, found.sha256, file_.size_bytes, file_.crc32c, file_.sha256);
}

}  // namespace podium
