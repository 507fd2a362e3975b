// Which bucket a run's snapshots go to, by its settings.
#pragma once

#include <memory>
#include <optional>

#include "worker/supervise/bucket.h"
#include "worker/supervise/worker.h"
#include "worker/supervise/worker_log.h"

namespace podium {

// nullptr: this worker has nothing to do with one. With what was newer there taken over.
// Throws Error when that fails and snapshots.required is set; else it is told, and tried again later.
std::unique_ptr<Bucket> take_over_bucket(const WorkerSetup& setup, const WorkerLog& log);

}  // namespace podium
