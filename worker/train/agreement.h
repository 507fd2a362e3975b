// What the ranks tell each other besides gradients, so that all decide the same at the same step.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "worker/collective/communicator.h"
#include "worker/kernels/cross_entropy.h"

namespace podium {

// What a rank was asked for; the greatest of all ranks' counts.
enum class StopRequest : int32_t { kNone = 0, kYield = 1, kStop = 2 };

struct Agreed {
  CrossEntropySums sums;  // of the step, over all shards in their order
  StopRequest request = StopRequest::kNone;
  double training_seconds = 0;  // rank 0's, since clocks differ
};

// All ranks call it together. `shard_sums` are this rank's of a step of `shards`; none: no step, a question only.
Agreed agree(Communicator& world, std::span<const CrossEntropySums> shard_sums, int64_t shards, StopRequest request,
             double training_seconds);

// Each rank's texts, by rank.
std::vector<std::vector<std::string>> gather_texts(Communicator& world, std::span<const std::string> texts);

// A number from every rank.
std::vector<uint64_t> gather_numbers(Communicator& world, uint64_t number);

}  // namespace podium
