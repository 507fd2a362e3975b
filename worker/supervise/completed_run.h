// A run that has reached its limits is not trained again until they are raised.
#pragma once

#include <optional>
#include <string>

#include "configuration/settings.h"
#include "worker/snapshot/completion.h"
#include "worker/supervise/worker.h"

namespace podium {

// How the run ended; nullopt: it did not, or its limits are raised. Throws Error when its marker cannot be read.
std::optional<Completion> find_completed(const Settings& settings, const std::string& run);

// Says so, does what `when_done` wants, and returns the exit code.
int end_completed(const WorkerSetup& setup, const Completion& completion);

}  // namespace podium
