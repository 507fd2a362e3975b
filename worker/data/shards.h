// A batch cut into shards, and a shard's tokens as the model takes them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/data/batch_plan.h"
#include "worker/data/tokenized_pairs.h"
#include "worker/tensor/packed_sequences.h"

namespace podium {

// Which examples each shard holds.
struct ShardCut {
  std::vector<int32_t> examples;
  std::vector<int32_t> begin;  // shard i is [begin[i], begin[i+1])

  int64_t count() const { return static_cast<int64_t>(begin.size()) - 1; }
  std::span<const int32_t> shard(int64_t i) const {
    return std::span(examples).subspan(static_cast<size_t>(begin[i]), static_cast<size_t>(begin[i + 1] - begin[i]));
  }
};

// Balanced in tokens: the examples, longest first, are dealt to the shards to and fro, so each has the same number of
// examples or one more. Depends on nothing but the batch and the number of shards, never on who runs them. A batch with
// fewer examples than shards leaves some empty.
ShardCut cut_into_shards(std::span<const int32_t> batch, std::span<const ExampleSize> examples, int64_t shard_count);

// Puts the examples into `shard`, whose memory is used again. The decoder starts with `pad_id`, as in MarianMT.
void fill_shard(const TokenizedPairs& pairs, std::span<const int32_t> examples, int32_t pad_id, Shard& shard);

// What padding would have cost. Rows are packed without it; a program that pads each shard's sequences to the longest
// would compute `padded_tokens` where we compute `tokens`.
struct PaddingCount {
  int64_t tokens = 0;
  int64_t padded_tokens = 0;

  void add(const Shard& shard);
  // The share of a padded batch that would have been computed in vain.
  double share() const {
    return padded_tokens == 0 ? 0 : 1 - static_cast<double>(tokens) / static_cast<double>(padded_tokens);
  }
};

}  // namespace podium
