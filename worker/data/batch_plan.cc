#include "worker/data/batch_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "worker/base/error.h"
#include "worker/base/random.h"

namespace podium {
namespace {

// The purposes of the generator's streams.
enum Stream : uint64_t { kExampleOrder = 0, kBatchOrder = 1 };

// The end of the longest run from `begin` whose examples weigh at most `limit` together; at least one example.
size_t end_of_run(const std::vector<int32_t>& order, size_t begin, size_t end, int64_t limit, const auto& weight) {
  int64_t sum = 0;
  size_t i = begin;
  while (i < end && (i == begin || sum + weight(order[i]) <= limit)) sum += weight(order[i++]);
  return i;
}

}  // namespace

BatchPlan make_batch_plan(uint64_t seed, int64_t epoch, std::span<const ExampleSize> examples,
                          const BatchOptions& options) {
  PODIUM_CHECK(options.batch_size > 0 && options.bucket_batches > 0);
  PODIUM_CHECK(std::ssize(examples) <= std::numeric_limits<int32_t>::max());
  const bool by_examples = options.unit == BatchOptions::Unit::kExamples;
  auto size = [&](int32_t i) { return examples[static_cast<size_t>(i)]; };
  auto weight = [&](int32_t i) { return by_examples ? 1 : size(i).target; };
  auto length = [&](int32_t i) { return std::pair(size(i).target, size(i).source); };

  std::vector<int32_t> order(examples.size());
  std::iota(order.begin(), order.end(), 0);
  CounterRandom(seed, static_cast<uint64_t>(epoch), kExampleOrder).shuffle(order);

  struct Run {
    size_t begin, end;
  };
  std::vector<Run> batches;
  for (size_t pool = 0; pool < order.size();) {
    const size_t pool_end = end_of_run(order, pool, order.size(), options.batch_size * options.bucket_batches, weight);
    // Stable: among equal lengths the shuffled order stays.
    if (options.bucket_batches > 1)
      std::stable_sort(order.begin() + static_cast<int64_t>(pool), order.begin() + static_cast<int64_t>(pool_end),
                       [&](int32_t a, int32_t b) { return length(a) < length(b); });
    while (pool < pool_end) {
      const size_t end = end_of_run(order, pool, pool_end, options.batch_size, weight);
      batches.push_back({pool, end});
      pool = end;
    }
  }

  // By examples, the one that may be smaller stays last.
  const Run last = batches.empty() ? Run{} : batches.back();
  const bool keep_last = by_examples && !batches.empty();
  if (keep_last) batches.pop_back();
  CounterRandom(seed, static_cast<uint64_t>(epoch), kBatchOrder).shuffle(batches);
  if (keep_last) batches.push_back(last);

  BatchPlan plan;
  plan.order_.reserve(order.size());
  for (const Run& run : batches) {
    plan.order_.insert(plan.order_.end(), order.begin() + static_cast<int64_t>(run.begin),
                       order.begin() + static_cast<int64_t>(run.end));
    plan.begin_.push_back(static_cast<int64_t>(plan.order_.size()));
  }
  return plan;
}

}  // namespace podium
