// What a classifier's predictions for held-out texts are worth: the files that lie with a snapshot, and the table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configuration/settings.h"
#include "worker/model/classification_head.h"
#include "worker/tasks/classification/classification_data.h"
#include "worker/tasks/classification/predictions.h"
#include "worker/train/task.h"

namespace podium {

// metrics.json, predictions.csv and, where a text has one label, confusion.json and confusion.png.
SmallFiles result_files(const Settings& settings, const ClassifierLabels& labels, const HeldOutTexts& held_out,
                        const Predictions& predictions);

// metrics.json read back. Throws Error naming `path` and the key that is missing or damaged.
ClassificationScores parse_metrics_json(std::string_view json, const std::vector<std::string>& labels,
                                        const std::string& path);

}  // namespace podium
