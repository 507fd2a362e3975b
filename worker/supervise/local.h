// `worker local`: several workers on this machine, as a StatefulSet would run them in pods.
#pragma once

#include "worker/supervise/arguments.h"

namespace podium {

// Runs the workers until the run has ended; returns the exit code of worker 0.
int run_local(Arguments arguments);

}  // namespace podium
