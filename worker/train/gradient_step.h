// The gradient of a global batch, shard by shard: each shard's forward and backward pass on one runner, sums in the
// fixed binary tree.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "worker/model/transformer.h"

namespace podium {

// The tree over shards [0,n): split at the largest power of two below n, node = left + right, elementwise in float32.
// Any cut of the work between runners, threads and (later) workers gives the same bits.
class GradientStep {
 public:
  // `shards` a step at most; `threads` in all. Shards run side by side on min(threads, shards) runners; threads that
  // are left over help inside the runners' kernels.
  GradientStep(const Transformer& model, int shards, int threads);
  ~GradientStep();

  struct Result {
    CrossEntropySums sums;  // in shard order
    double squares = 0;     // of the summed gradient
  };
  // random.seed and .step are set; the shard is its index. shards.size() as given to the constructor.
  Result run(FlatParameters weights, std::span<const TranslationShard> shards, RandomKey random, float label_smoothing);

  // The gradient of the summed loss, from the last run: ParameterSet::size() numbers.
  std::span<float> gradient();

  // Validation: the losses of `shards` (any number), without dropout, summed in order. `stop` is
  // polled between shards; once it returns true the result means nothing.
  CrossEntropySums evaluate(FlatParameters weights, std::span<const TranslationShard> shards, float label_smoothing,
                            const std::function<bool()>& stop = {});

  // All threads at once, for what follows the shards (the optimizer).
  Executor& executor() { return *everything_; }

  // After a run that was not finite: runs its shards again, in order, and names the first tensor that is NaN or
  // infinite, as "encoder.layers.0.output of shard 3"; empty when all are finite.
  std::string find_non_finite(FlatParameters weights, std::span<const TranslationShard> shards, RandomKey random,
                              float label_smoothing);

 private:
  struct Runner;
  void run_group(Runner& runner, int64_t group, FlatParameters weights, std::span<const TranslationShard> shards,
                 RandomKey random, float label_smoothing);
  double combine_groups();
  template <typename Function>
  void on_all_runners(Function&& function);

  const Transformer& model_;
  int64_t size_;              // of the flat gradient
  int64_t group_shards_ = 1;  // a power of two: the shards that one runner sums
  int64_t groups_ = 1;
  Arena memory_;
  std::vector<float*> group_gradients_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Executor> everything_;
  std::vector<std::unique_ptr<Runner>> runners_;
  std::vector<CrossEntropySums> shard_sums_;
  std::vector<double> chunk_squares_;
};

}  // namespace podium
