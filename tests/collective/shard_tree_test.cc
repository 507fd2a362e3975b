#include "worker/collective/shard_tree.h"

#include <gtest/gtest.h>

#include <string>

namespace podium {
namespace {

constexpr int64_t kMostShards = 33;
constexpr int kMostRanks = 9;

// The tree's definition, once more and without bit tricks.
int64_t split_of(int64_t begin, int64_t end) {
  int64_t power = 1;
  while (2 * power < end - begin) power *= 2;
  return begin + power;
}

std::string expression(int64_t begin, int64_t end) {
  if (end - begin == 1) return std::to_string(begin);
  const int64_t split = split_of(begin, end);
  return "(" + expression(begin, split) + "+" + expression(split, end) + ")";
}

bool is_node(ShardRange range, int64_t begin, int64_t end) {
  if (range == ShardRange{begin, end}) return true;
  if (end - begin == 1) return false;
  const int64_t split = split_of(begin, end);
  return range.end <= split ? is_node(range, begin, split) : is_node(range, split, end);
}

template <typename Check>
void for_all_worlds(Check&& check) {
  for (int64_t shards = 1; shards <= kMostShards; ++shards)
    for (int ranks = 1; ranks <= kMostRanks; ++ranks) {
      SCOPED_TRACE(std::to_string(shards) + " shards, " + std::to_string(ranks) + " ranks");
      check(shards, ranks);
    }
}

TEST(ShardTree, RanksShareTheShardsWithoutGapsAndEvenly) {
  for_all_worlds([](int64_t shards, int ranks) {
    int64_t next = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      const ShardRange range = shards_of(rank, ranks, shards);
      EXPECT_EQ(range.begin, next);
      EXPECT_GE(range.size(), shards / ranks);
      EXPECT_LE(range.size(), (shards + ranks - 1) / ranks);
      next = range.end;
    }
    EXPECT_EQ(next, shards);
  });
}

TEST(ShardTree, ARanksNodesCoverItsShardsAndAreTheLargestThatDo) {
  for_all_worlds([](int64_t shards, int ranks) {
    for (int rank = 0; rank < ranks; ++rank) {
      const ShardRange range = shards_of(rank, ranks, shards);
      const std::vector<ShardRange> nodes = nodes_inside(range, shards);
      int64_t next = range.begin;
      for (const ShardRange& node : nodes) {
        EXPECT_EQ(node.begin, next);
        EXPECT_TRUE(is_node(node, 0, shards));
        next = node.end;
      }
      EXPECT_EQ(next, range.end);
      // Nodes nest, so a larger one inside the range would be made of neighbours in this list.
      for (size_t i = 0; i < nodes.size(); ++i)
        for (size_t k = i + 1; k < nodes.size(); ++k) EXPECT_FALSE(is_node({nodes[i].begin, nodes[k].end}, 0, shards));
    }
  });
}

TEST(ShardTree, AnyNumberOfRanksAddsTheSameExpression) {
  for_all_worlds([](int64_t shards, int ranks) {
    std::vector<ShardRange> nodes;
    for (int rank = 0; rank < ranks; ++rank)
      for (const ShardRange& node : nodes_inside(shards_of(rank, ranks, shards), shards)) nodes.push_back(node);
    std::vector<std::string> values;
    for (const ShardRange& node : nodes) values.push_back(expression(node.begin, node.end));
    const std::vector<TreeAddition> order = additions(nodes, shards);
    EXPECT_EQ(order.size() + 1, nodes.size());
    for (const TreeAddition& addition : order) {
      std::string& left = values.at(static_cast<size_t>(addition.left));
      left = "(" + left + "+" + values.at(static_cast<size_t>(addition.right)) + ")";
    }
    EXPECT_EQ(values.at(0), expression(0, shards));
  });
}

TEST(ShardTree, EightShardsOfThreeRanksTravelAsTheFactsSay) {
  EXPECT_EQ(nodes_inside(shards_of(0, 3, 8), 8), (std::vector<ShardRange>{{0, 2}}));
  EXPECT_EQ(nodes_inside(shards_of(1, 3, 8), 8), (std::vector<ShardRange>{{2, 4}, {4, 5}}));
  EXPECT_EQ(nodes_inside(shards_of(2, 3, 8), 8), (std::vector<ShardRange>{{5, 6}, {6, 8}}));
}

TEST(ShardTreeDeathTest, NodesThatDoNotMakeTheWholeAreABug) {
  EXPECT_DEATH(additions({{0, 2}}, 4), "in no node");
  EXPECT_DEATH(additions({{0, 1}, {1, 3}, {3, 4}}, 4), "is no node");
  EXPECT_DEATH(additions({{0, 4}, {0, 4}}, 4), "make the whole");
}

}  // namespace
}  // namespace podium
