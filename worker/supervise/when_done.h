// What becomes of the pods when the run is complete: a StatefulSet has no completion, and pods that end are started
// again. What ends the bill is its size, 0.
#pragma once

#include "coordinator/kubernetes/stateful_set_size.h"
#include "worker/supervise/worker.h"
#include "worker/supervise/worker_log.h"

namespace podium {

// As when_done says; auto: on Kubernetes.
bool scales_to_zero(const WorkerSetup& setup);
// Whether a worker waits for its signal then, instead of ending by itself.
bool stays_when_done(const WorkerSetup& setup);

// Scales this pod's StatefulSet to 0: tried until it is done, and told with the fix when it cannot be.
void scale_to_zero(kubernetes::StatefulSetSize& size, const WorkerSetup& setup, const WorkerLog& log);

}  // namespace podium
