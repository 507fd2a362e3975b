#include "worker/data/shards.h"

#include <algorithm>

#include "worker/base/error.h"

namespace podium {

ShardCut cut_into_shards(std::span<const int32_t> batch, std::span<const ExampleSize> examples, int64_t shard_count) {
  PODIUM_CHECK(shard_count > 0);
  auto cost = [&](int32_t i) {
    const ExampleSize size = examples[static_cast<size_t>(i)];
    return int64_t{size.source} + size.target;
  };
  std::vector<int32_t> sorted(batch.begin(), batch.end());
  std::stable_sort(sorted.begin(), sorted.end(), [&](int32_t a, int32_t b) { return cost(a) > cost(b); });

  const auto shards = static_cast<size_t>(shard_count);
  ShardCut cut;
  cut.begin.push_back(0);
  for (size_t shard = 0; shard < shards; ++shard) {
    for (size_t round = 0; round * shards < sorted.size(); ++round) {
      const size_t place = round * shards + (round % 2 == 0 ? shard : shards - 1 - shard);
      if (place < sorted.size()) cut.examples.push_back(sorted[place]);
    }
    cut.begin.push_back(static_cast<int32_t>(cut.examples.size()));
  }
  return cut;
}

void fill_shard(const TokenizedPairs& pairs, std::span<const int32_t> examples, int32_t pad_id, Shard& shard) {
  shard.source.clear();
  shard.target_input.clear();
  shard.labels.clear();
  for (int32_t example : examples) {
    shard.source.append(pairs.source(example));
    const std::span<const int32_t> target = pairs.target(example);
    shard.labels.insert(shard.labels.end(), target.begin(), target.end());
    // The labels, one place later: the start token takes the first row.
    shard.target_input.append(target);
    auto row = shard.target_input.tokens.end() - static_cast<int64_t>(target.size());
    std::copy_backward(row, shard.target_input.tokens.end() - 1, shard.target_input.tokens.end());
    *row = pad_id;
  }
}

void PaddingCount::add(const Shard& shard) {
  for (const PackedSequences* side : {&shard.source, &shard.target_input}) {
    if (side->count() == 0) continue;
    tokens += side->rows();
    padded_tokens += side->count() * *std::max_element(side->length.begin(), side->length.end());
  }
}

}  // namespace podium
