#include "worker/collective/shard_tree.h"

#include <bit>

#include "worker/base/error.h"

namespace podium {
namespace {

int64_t split_of(ShardRange node) {
  return node.begin + static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(node.size() - 1)));
}

void collect_inside(ShardRange node, ShardRange range, std::vector<ShardRange>& found) {
  if (node.end <= range.begin || range.end <= node.begin) return;
  if (range.begin <= node.begin && node.end <= range.end) {
    found.push_back(node);
    return;
  }
  const int64_t split = split_of(node);
  collect_inside({node.begin, split}, range, found);
  collect_inside({split, node.end}, range, found);
}

struct AdditionOrder {
  const std::vector<ShardRange>& nodes;
  std::vector<TreeAddition> additions;
  size_t next = 0;  // of the nodes, the first that is in no sum yet

  // The index of the value that holds `node` after the additions so far.
  int sum(ShardRange node) {
    PODIUM_CHECK(next < nodes.size(), "shards from {} on are in no node", node.begin);
    if (nodes[next] == node) return static_cast<int>(next++);
    PODIUM_CHECK(node.size() > 1, "[{}, {}) is no node that begins at {}", nodes[next].begin, nodes[next].end,
                 node.begin);
    const int64_t split = split_of(node);
    const int left = sum({node.begin, split});
    const int right = sum({split, node.end});
    additions.push_back({left, right});
    return left;
  }
};

}  // namespace

ShardRange shards_of(int rank, int ranks, int64_t shards) {
  PODIUM_CHECK(0 <= rank && rank < ranks && shards >= 1, "rank {} of {}, {} shards", rank, ranks, shards);
  return {rank * shards / ranks, (rank + 1) * shards / ranks};
}

std::vector<ShardRange> nodes_inside(ShardRange range, int64_t shards) {
  PODIUM_CHECK(0 <= range.begin && range.begin <= range.end && range.end <= shards, "[{}, {}) of {}", range.begin,
               range.end, shards);
  std::vector<ShardRange> found;
  if (range.size() > 0) collect_inside({0, shards}, range, found);
  return found;
}

std::vector<TreeAddition> additions(const std::vector<ShardRange>& nodes, int64_t shards) {
  AdditionOrder order{nodes, {}};
  order.sum({0, shards});
  PODIUM_CHECK(order.next == nodes.size(), "{} of {} nodes make the whole", order.next, nodes.size());
  return std::move(order.additions);
}

}  // namespace podium
