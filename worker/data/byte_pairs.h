// Byte pair encoding of one word (Sennrich et al. 2016): the neighbours with the best rank become one symbol, again and
// again.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace podium {

class BytePairs {
 public:
  struct Merge {
    int32_t left, right, result;
  };
  BytePairs() = default;
  // Merges from the best rank on; no pair is there twice.
  explicit BytePairs(std::vector<Merge> merges);

  // Merges the symbols of a word in place, equal ranks from left to right, in time n log n. Safe from many threads.
  void apply(std::vector<int32_t>& symbols) const;

  // By rank.
  std::span<const Merge> merges() const { return merges_; }

 private:
  struct PairHash {
    size_t operator()(uint64_t pair) const { return static_cast<size_t>((pair * 0x9E3779B97F4A7C15u) >> 16); }
  };
  // The rank of a pair.
  std::optional<uint32_t> rank(int32_t left, int32_t right) const;

  std::vector<Merge> merges_;
  std::unordered_map<uint64_t, uint32_t, PairHash> ranks_;
};

}  // namespace podium
