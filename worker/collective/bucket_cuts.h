// How a gradient is cut into buckets, and each of them into a slice for every rank.
#pragma once

#include <cstdint>

namespace podium {

// Numbers [begin, end) of the gradient.
struct Interval {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};

// Slices are cut at multiples of `chunk`, counted from the gradient's begin, and differ by one chunk at most; a bucket
// of fewer chunks than ranks leaves some ranks' slices empty.
class BucketCuts {
 public:
  BucketCuts(int64_t size, int64_t bucket, int64_t chunk, int ranks);
  int64_t buckets() const { return (size_ + bucket_ - 1) / bucket_; }
  Interval bucket(int64_t index) const;
  Interval slice(int64_t bucket_index, int rank) const;
  // The bucket that holds number `position`.
  int64_t bucket_of(int64_t position) const { return position / bucket_; }

 private:
  int64_t size_, bucket_, chunk_;
  int ranks_;
};

}  // namespace podium
