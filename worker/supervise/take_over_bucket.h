// Which bucket a run's snapshots go to, by its settings.
#pragma once

#include <memory>

#include "worker/supervise/bucket.h"
#include "worker/supervise/worker.h"
#include "worker/supervise/worker_log.h"

namespace podium {

// The bucket of the settings, with what was newer there taken over; nullptr: this worker has nothing to do with one.
// Throws Error when it is not there and snapshots.required is set, or its credentials cannot be used; otherwise one
// that is not there is told, and tried again later.
std::unique_ptr<Bucket> take_over_bucket(const WorkerSetup& setup, const WorkerLog& log);

}  // namespace podium
