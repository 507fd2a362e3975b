// The gradient of a global batch, shard by shard: each shard's forward and backward pass on one runner, sums in the
// fixed binary tree, here and across the ranks.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "worker/collective/tree_allreduce.h"
#include "worker/model/model.h"
#include "worker/tensor/arena.h"

namespace podium {

struct GradientStepOptions {
  int64_t shards = 1;          // of the global batch
  int threads = 1;             // of this rank
  int64_t bucket = 6'553'600;  // numbers that travel together
  // Called after each piece of work, and while this rank waits for the others.
  std::function<void()> working = [] {}, waiting = [] {};
};

// Any cut of the shards between ranks, runners and threads gives the same bits.
class GradientStep {
 public:
  // Shards run side by side on min(threads, this rank's shards) runners; threads that are left over help inside the
  // runners' kernels. `model` and `world` must outlive the object.
  GradientStep(const Model& model, Communicator& world, GradientStepOptions options);
  ~GradientStep();

  // From the next run on, these parts of the flat buffer have a gradient that is zero from the shards on, so that it is
  // no part of the norm: begin, end; ascending.
  void freeze(std::vector<std::pair<int64_t, int64_t>> parts) { frozen_ = std::move(parts); }

  // The shards that this rank computes.
  ShardRange my_shards() const { return mine_; }

  struct Result {
    std::span<const CrossEntropySums> shard_sums;  // of this rank's shards, valid until the next run
    double squares = 0;                            // of the summed gradient; the same at every rank
  };
  // `shards` are those of my_shards(). random.seed and .step are set; the shard is its index. All ranks call it
  // together.
  Result run(FlatParameters weights, std::span<const Shard> shards, RandomKey random, float label_smoothing);

  // The gradient of the summed loss, from the last run: ParameterSet::size() numbers, the same at every rank.
  std::span<float> gradient();

  // Validation: the losses of `shards` (any number, the same at every rank), without dropout, summed in order at every
  // rank. `stop` is polled between shards; once it returns true anywhere the result means nothing.
  CrossEntropySums evaluate(FlatParameters weights, std::span<const Shard> shards, float label_smoothing,
                            const std::function<bool()>& stop = {});

  // To be called by whoever is about to wait for the other ranks outside of run() and evaluate().
  void waits_for_others() const { options_.waiting(); }

  // All threads at once, for what follows the shards (the optimizer).
  Executor& executor() { return *everything_; }

  // After a run that was not finite: runs this rank's shards again, in order, and names the first tensor that is NaN or
  // infinite, as "encoder.layers.0.output of shard 3"; empty when all are finite.
  std::string find_non_finite(FlatParameters weights, std::span<const Shard> shards, RandomKey random,
                              float label_smoothing);

 private:
  struct Runner;
  // Shards that one runner sums: an aligned block of the tree, inside one of this rank's nodes.
  struct Group {
    ShardRange shards;
    float* gradient = nullptr;
  };
  void plan_groups();
  void plan_memory();
  void zero_frozen(float* gradient, int64_t begin, int64_t end) const;
  void run_group(Runner& runner, const Group& group, FlatParameters weights, std::span<const Shard> shards,
                 RandomKey random, float label_smoothing);
  void group_is_final(Executor& executor, int64_t begin, int64_t end);
  void combine_groups(Executor& executor, int64_t begin, int64_t end);
  double combine_alone();
  template <typename Function>
  void on_all_runners(Function&& function);

  const Model& model_;
  Communicator& world_;
  const GradientStepOptions options_;
  std::vector<std::pair<int64_t, int64_t>> frozen_;
  const int64_t size_;  // of the flat gradient
  ShardRange mine_;
  int64_t group_shards_ = 1;  // a power of two: the most shards in a group
  std::vector<Group> groups_;
  std::vector<size_t> node_begin_;  // node i is made of groups [node_begin_[i], node_begin_[i+1])
  Arena memory_;
  float* result_ = nullptr;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Executor> everything_;
  std::vector<std::unique_ptr<Runner>> runners_;
  std::vector<CrossEntropySums> shard_sums_;
  std::vector<double> chunk_squares_;
  // Numbers of each chunk of kNormChunk that groups have finished in the run under way.
  std::vector<std::atomic<int64_t>> chunk_done_;
  std::mutex transfers_;        // one thread at a time calls allreduce_
  Executor* adding_ = nullptr;  // what allreduce_ adds with
  std::unique_ptr<TreeAllreduce> allreduce_;
};

// In shard order: the one order in which losses are summed.
inline CrossEntropySums total(std::span<const CrossEntropySums> shard_sums) {
  CrossEntropySums sum;
  for (const CrossEntropySums& sums : shard_sums) sum += sums;
  return sum;
}

}  // namespace podium
