// What every communicator must do, as bodies that each rank runs: on threads and, in the probe, over MPI.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/collective/communicator.h"
#include "worker/collective/tree_allreduce.h"

namespace podium {

void check_order_of_messages(Communicator& world);
void check_message_sizes(Communicator& world);
void check_all_gather(Communicator& world);
void check_broadcast(Communicator& world, size_t size_bytes);

// The gradient of a shard at a step: heavy tails, and among them zeros of both signs, denormals and, when `spoiled`,
// infinities and NaN.
std::vector<float> gradient_of(uint64_t seed, int64_t step, int64_t shard, int64_t size, bool spoiled);
void add_numbers(std::span<float> left, std::span<const float> right);
void square_chunks(std::span<const float> values, std::span<double> chunk_sums);

struct TreeAllreduceCase {
  uint64_t seed = 1;
  int64_t size = 0, shards = 1, bucket = 4096;
  bool own_result = false;  // else in nodes[0]
  bool spoiled = false;
  bool delays = false;  // sleeps at random, so that ranks are not in step
  int steps = 2;
};
void check_tree_allreduce(Communicator& world, const TreeAllreduceCase& test);

}  // namespace podium
