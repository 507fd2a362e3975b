#include "worker/base/content_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace podium {

uint64_t content_hash(std::span<const std::byte> content) { return XXH3_64bits(content.data(), content.size()); }

}  // namespace podium
