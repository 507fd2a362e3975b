#include "worker/collective/bucket_cuts.h"

#include <algorithm>

#include "worker/base/error.h"

namespace podium {

BucketCuts::BucketCuts(int64_t size, int64_t bucket, int64_t chunk, int ranks)
    : size_(size), bucket_(bucket), chunk_(chunk), ranks_(ranks) {
  PODIUM_CHECK(size >= 0 && chunk > 0 && bucket > 0 && bucket % chunk == 0, "{} numbers in buckets of {}, chunks of {}",
               size, bucket, chunk);
}

Interval BucketCuts::bucket(int64_t index) const { return {index * bucket_, std::min(size_, (index + 1) * bucket_)}; }

Interval BucketCuts::slice(int64_t bucket_index, int rank) const {
  const Interval whole = bucket(bucket_index);
  const int64_t chunks = (whole.size() + chunk_ - 1) / chunk_;
  auto cut = [&](int64_t i) { return std::min(whole.end, whole.begin + i * chunks / ranks_ * chunk_); };
  return {cut(rank), cut(rank + 1)};
}

}  // namespace podium
