// `worker status`: what a run's coordinator knows, as text or JSON.
#pragma once

#include <string>

#include "proto/coordinator.pb.h"
#include "worker/supervise/arguments.h"

namespace podium {

// Prints the status of the run that the settings name; 0. Throws Error when nobody answers.
int print_status(Arguments arguments);

// For people: a line on the run, a row a worker, the last events.
std::string status_text(const proto::Status& status);

}  // namespace podium
