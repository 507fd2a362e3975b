// Which examples make up which batch of an epoch, as a pure function of (seed, epoch) and the lengths: where a run
// stands in its data is two numbers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace podium {

// Tokens of an example: what is read, and what is counted where batches are made by tokens.
struct ExampleSize {
  int32_t source = 0, target = 0;
};

struct BatchOptions {
  enum class Unit : uint8_t { kExamples, kTargetTokens };
  int64_t batch_size = 64;  // of the global batch: examples, or target tokens with end-of-sentence
  Unit unit = Unit::kExamples;
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
  friend BatchPlan make_batch_plan(uint64_t seed, int64_t epoch, std::span<const ExampleSize> examples,
                                   const BatchOptions& options);
  std::vector<int32_t> order_;
  std::vector<int64_t> begin_{0};
};

// Every example once. By examples all batches are full but the last, which may be smaller; by tokens none is over
// batch_size, unless it is a single example. Other seeds and epochs give other orders.
BatchPlan make_batch_plan(uint64_t seed, int64_t epoch, std::span<const ExampleSize> examples,
                          const BatchOptions& options);

}  // namespace podium
