// `worker average`: the mean of a run's last snapshots, as a folder to translate with.
#pragma once

#include "worker/supervise/arguments.h"

namespace podium {

// --last COUNT [RUN or its folder] --to FOLDER [settings]: prints what it made; 0. Throws Error when the folder is
// there or the run has fewer whole snapshots.
int average_snapshots(Arguments arguments);

}  // namespace podium
