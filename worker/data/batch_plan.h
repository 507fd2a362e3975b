// Which examples make up which batch of an epoch, as a pure function of (seed, epoch) and the lengths: where a run
// stands in its data is two numbers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/data/tokenized_pairs.h"

namespace podium {

struct BatchOptions {
  enum class Unit : uint8_t { kPairs, kTargetTokens };
  int64_t batch_size = 64;  // of the global batch: pairs, or target tokens with end-of-sentence
  Unit unit = Unit::kPairs;
  // Examples are sorted by length within pools of so many batches: short and long ones do not mix, so attention wastes
  // little and shards weigh the same. 1 keeps the shuffled order.
  int64_t bucket_batches = 100;
};

// All the state that resuming needs: the batch that comes next.
struct DataPosition {
  int64_t epoch = 0;
  int64_t batch = 0;
  bool operator==(const DataPosition&) const = default;
};

class BatchPlan {
 public:
  int64_t count() const { return static_cast<int64_t>(begin_.size()) - 1; }
  // Indices of examples.
  std::span<const int32_t> batch(int64_t i) const {
    return std::span(order_).subspan(static_cast<size_t>(begin_[i]), static_cast<size_t>(begin_[i + 1] - begin_[i]));
  }

 private:
  friend BatchPlan make_batch_plan(uint64_t seed, int64_t epoch, const TokenizedPairs& pairs,
                                   const BatchOptions& options);
  std::vector<int32_t> order_;
  std::vector<int64_t> begin_{0};
};

// Every example once. By pairs all batches are full but the last, which may be smaller; by tokens none is over
// batch_size, unless it is a single example. Other seeds and epochs give other orders.
BatchPlan make_batch_plan(uint64_t seed, int64_t epoch, const TokenizedPairs& pairs, const BatchOptions& options);

}  // namespace podium
