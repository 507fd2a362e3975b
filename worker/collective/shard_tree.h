// The fixed binary tree over the shards of a step, and who holds which of its nodes. A sum that follows it has the same
// bits at any number of ranks.
#pragma once

#include <cstdint>
#include <vector>

namespace podium {

// Shards [begin, end) of a step.
struct ShardRange {
  int64_t begin = 0, end = 0;
  bool operator==(const ShardRange&) const = default;
  int64_t size() const { return end - begin; }
};

// Rank r of W owns shards [⌊rV/W⌋, ⌊(r+1)V/W⌋) of V; none, perhaps.
ShardRange shards_of(int rank, int ranks, int64_t shards);

// The tree over [0,V): node [a,b) splits at a + the largest power of two below b - a. These are the largest nodes of it
// that lie inside `range`, ascending: what its owner can sum without the others.
std::vector<ShardRange> nodes_inside(ShardRange range, int64_t shards);

// One addition: value[left] += value[right]; indices into the list of nodes that cover [0,V) in ascending order. In
// this order the last one leaves the root in value[0]. `nodes` are those of all ranks, in order.
struct TreeAddition {
  int left = 0, right = 0;
};
std::vector<TreeAddition> additions(const std::vector<ShardRange>& nodes, int64_t shards);

}  // namespace podium
