// Where a trainer begins: the newest state that any rank has in memory, else the newest snapshot, else fresh weights.
// When a snapshot is named, a state in memory counts only if that snapshot was named too when it was computed.
#pragma once

#include <functional>
#include <string>

#include "worker/collective/communicator.h"
#include "worker/snapshot/snapshots.h"
#include "worker/train/task.h"

namespace podium {

struct StartingStateOptions {
  Progress fresh;                 // of a run that begins now: settings and data must agree with what is found
  std::string resume = "latest";  // "latest", "best", "none" or the name of a snapshot
  std::function<void()> working = [] {};
};

struct StartingState {
  enum class Origin : int32_t { kFresh, kSnapshot, kMemory };
  Origin origin = Origin::kFresh;
  std::string snapshot;  // its name, if that was the origin; at rank 0
};

// All ranks call it together and end with the same state, published; rank 0 alone reads `snapshots`. The hashes of the
// states are compared at the end. Throws Error when a state was made by other settings, data or model, when a snapshot
// that was asked for cannot be had, or when the states differ.
StartingState find_starting_state(Communicator& world, const Task& task, SnapshotStore& snapshots,
                                  const StartingStateOptions& options, TrainingState& state);

// Throws Error naming the ranks whose parameters, moments or progress differ from rank 0's.
void compare_states(Communicator& world, const TrainingState& state);

}  // namespace podium
