// What a trainer can do before it knows its world: read the data and find the vocabularies. A trainer that stands by
// has this behind it.
#pragma once

#include <memory>
#include <string>

#include "configuration/settings.h"
#include "worker/train/task.h"

namespace podium {

// The task of the settings, ready to be trained. Vocabularies come from the newest valid snapshot of the run (or the
// one that snapshots.resume names), else they are trained. Throws Error when data cannot be had or used.
std::unique_ptr<Task> prepare(const Settings& settings, const std::string& run, TrainingDisplay& display);

}  // namespace podium
