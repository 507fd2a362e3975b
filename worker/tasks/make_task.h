// The one place that knows all tasks.
#pragma once

#include <memory>
#include <optional>

#include "configuration/settings.h"
#include "worker/base/file.h"
#include "worker/train/task.h"

namespace podium {

// The task that settings.task names, with its data read. Vocabularies come from `snapshot_folder`, where there is one,
// else they are trained. Throws Error when data cannot be had or used.
std::unique_ptr<Task> make_task(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                                TrainingDisplay& display);

}  // namespace podium
