// What a snapshot holds, from the training state and back.
#pragma once

#include <string>
#include <vector>

#include "worker/snapshot/snapshots.h"
#include "worker/train/task.h"

namespace podium {

// All files of a snapshot. They borrow `state`, `fixed` and `zeros`, which must stay as they are until the snapshot is
// written. Throws Error naming the tensor when a number in `state` is not finite: restore() would refuse it, and who
// finds no other snapshot would be stuck.
std::vector<SnapshotFile> snapshot_files(const Model& model, const TrainingState& state, const SmallFiles& fixed,
                                         std::vector<float>& zeros);

// Fills `into` from the folder of a verified snapshot, and returns its progress. Throws Error naming the file when the
// snapshot was made by another model, or by other settings or data than `expected` says (settings_hash and data_hash).
Progress restore(const fs::path& folder, const Model& model, const Progress& expected, const AdamBuffers& into);

// Throws Error beginning with `what` when settings or data of the run that `progress` is of are not the `expected`.
void check_same_run(const Progress& progress, const Progress& expected, const std::string& what);

}  // namespace podium
