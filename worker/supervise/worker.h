// One worker: it finds the others, joins the coordinator, and keeps a trainer at work. Ordinal 0 is the coordinator's
// home too.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "configuration/settings.h"
#include "worker/supervise/arguments.h"
#include "worker/supervise/pod_place.h"

namespace podium {

struct WorkerSetup {
  Settings settings;
  std::string run;
  Arguments trainer;                               // its program, and its arguments
  std::map<std::string, std::string> environment;  // of the trainer
  bool shares_terminal = false;                    // with other workers, in a local run
  std::optional<PodPlace> pod;                     // on Kubernetes
  std::function<Settings()> load_again;            // the settings as they are in the file by now
};

// How many workers there should be, before a cluster has said so.
uint32_t expected_at_first(const WorkerSetup& setup);

// Until the run has ended, or a signal says so; returns the exit code. Throws Error when it cannot begin.
int run_worker(const WorkerSetup& setup);

}  // namespace podium
