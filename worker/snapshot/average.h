// The mean of several snapshots' weights, as a folder that opens like a snapshot: fairseq's average_checkpoints
// (Vaswani et al. 2017, 6.1, averaged the last 5 and 20).
#pragma once

#include <vector>

#include "worker/snapshot/snapshots.h"

namespace podium {

// The `count` newest whole snapshots, oldest first. Throws Error when there are fewer.
std::vector<Snapshot> newest_snapshots(SnapshotStore& snapshots, int64_t count);

// Makes `folder` of the newest snapshot's files, with the mean of all in model.safetensors (summed in float64, in the
// order given), without what a run goes on from, and with a manifest. Throws Error when the folder exists, or naming
// file and tensor when the snapshots are of different models.
void write_average(const std::vector<Snapshot>& snapshots, const fs::path& folder);

}  // namespace podium
