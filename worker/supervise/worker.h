// One worker: it finds the others, joins the coordinator, and keeps a trainer at work. Ordinal 0 is the coordinator's
// home too.
#pragma once

#include <map>

#include "configuration/settings.h"
#include "worker/supervise/arguments.h"

namespace podium {

struct WorkerSetup {
  Settings settings;
  std::string run;
  Arguments trainer;                               // its program, and its arguments
  std::map<std::string, std::string> environment;  // of the trainer
  bool shares_terminal = false;                    // with other workers, in a local run
};

// Until the run has ended, or a signal says so; returns the exit code. Throws Error when it cannot begin.
int run_worker(const WorkerSetup& setup);

}  // namespace podium
