#include "worker/storage/gcs/gcs_ranges.h"

#include <algorithm>

#include "worker/base/hash.h"
#include "worker/storage/at_once.h"

namespace podium {

bool GcsRanges::run() {
  const ByteSink take = [this](std::string_view bytes) { this->take(bytes); };
  const uint64_t first_bytes = std::min(range_.size_bytes, calls_.options().piece_bytes);
  GcsRead first(calls_, name_, {range_.begin, first_bytes}, take);
  {
    const GcsCalls::Stream stream = calls_.stream();
    if (!first.run()) return false;
  }
  if (const std::optional<uint64_t> size = first.object_bytes()) {
    const uint64_t begin = std::min(range_.begin, *size), end = begin + std::min(range_.size_bytes, *size - begin);
    if (begin + taken_ < end) fetch_rest(end, first);
  }
  check(first);
  return true;
}

void GcsRanges::take(std::string_view bytes) {
  taken_ += bytes.size();
  crc32c_ = crc32c(bytes.data(), bytes.size(), crc32c_);
  sink_(bytes);
}

void GcsRanges::fetch_rest(uint64_t end, const GcsRead& first) {
  const uint64_t begin = range_.begin + taken_, piece_bytes = calls_.options().piece_bytes;
  const auto fetch = [&](size_t i, const Ended& ended) {
    const ByteRange range{begin + i * piece_bytes, std::min(piece_bytes, end - begin - i * piece_bytes)};
    std::string piece;
    piece.reserve(range.size_bytes);
    const ByteSink sink = [&](std::string_view bytes) {
      if (ended()) throw HttpFailure("not wanted any more", false);
      piece += bytes;
    };
    const GcsCalls::Stream stream = calls_.stream();
    const bool exists = GcsRead(calls_, name_, range, sink, first.generation()).run();
    if (!exists || piece.size() != range.size_bytes) throw HttpFailure("it changed while it was read", false);
    return piece;
  };
  const int streams = calls_.options().streams;
  const uint64_t count = (end - begin + piece_bytes - 1) / piece_bytes;
  in_order(count, streams, 2 * static_cast<size_t>(streams), fetch, [this](const std::string& piece) { take(piece); });
}

void GcsRanges::check(const GcsRead& first) const {
  const bool is_whole = range_.begin == 0 && taken_ > 0 && taken_ == first.object_bytes().value_or(taken_);
  const std::optional<uint32_t> expected = first.object_crc32c();
  if (is_whole && expected && crc32c_ != *expected)
    throw HttpFailure(fmt::format("damaged on its way: CRC32C {:08x}, stored is {:08x}", crc32c_, *expected), false);
}

}  // namespace podium
