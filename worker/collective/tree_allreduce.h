// The sum of all shards' gradients, at every rank, in the order of the shard tree: each rank sends its nodes' slices to
// the slices' owners, an owner adds them in the tree's order, and the results go to all (facts: "any world size").
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "worker/collective/communicator.h"
#include "worker/collective/shard_tree.h"

namespace podium {

struct TreeAllreduceOptions {
  int64_t size = 0;            // numbers in a gradient
  int64_t shards = 1;          // V
  int64_t bucket = 6'553'600;  // numbers in a bucket: 25 MB, as PyTorch's DDP has it; a multiple of `chunk`
  int64_t chunk = 4096;        // numbers in a chunk of squares: kNormChunk
  // Adds float32 numbers, left += right, and squares a chunk: kernels, passed in so that this folder knows none. Called
  // from progress() and finish() alone, never from ready().
  std::function<void(std::span<float> left, std::span<const float> right)> add;
  // The float64 sums of squares of `values`, one for each chunk of them, into `chunk_sums`.
  std::function<void(std::span<const float> values, std::span<double> chunk_sums)> squares;
};

// Buckets are the cuts [i·bucket, (i+1)·bucket) of the gradient; each is cut into a slice for every rank, at multiples
// of the chunk. Any number of steps with one object; nothing is allocated in a step.
class TreeAllreduce {
 public:
  TreeAllreduce(Communicator& world, TreeAllreduceOptions options);
  ~TreeAllreduce();

  ShardRange my_shards() const;
  // The nodes that this rank has to sum: begin() takes a buffer of `size` numbers for each.
  const std::vector<ShardRange>& my_nodes() const;

  // A step begins. `nodes[i]` is the buffer of my_nodes()[i]; `result` receives the whole sum: it may be nodes[0], or a
  // buffer of its own (it must be that where my_nodes() is empty). They stay as they are until finish().
  void begin(std::vector<float*> nodes, float* result);
  // Numbers [begin, end) of all my nodes are final, and are not touched any more. Every number is reported once a step,
  // in any order and in any pieces; buckets go off when they are whole. Calls come one at a time (from any thread). A
  // rank without nodes need not call it.
  void ready(int64_t begin, int64_t end);
  // Moves transfers on without waiting; called now and then by whoever computes.
  void progress();
  // Waits for the rest. After it `result` is the sum and chunk_squares() its squares, the same bits at every rank.
  // `waiting` is called again and again while it waits: something cheap.
  void finish(const std::function<void()>& waiting = {});
  std::span<const double> chunk_squares() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace podium
