// Labels and their loss in the config.json of a classifier, as transformers has them whatever the body.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "worker/model/classification_head.h"

namespace podium {

// Adds id2label, label2id, problem_type and, where a text may have several labels, prediction_threshold (ours).
void write_labels(nlohmann::ordered_json& config, const ClassifierLabels& labels);

// No names: the model has no classifier. Throws Error naming `path` and the key when ids are not 0 to n-1 or a name is
// there twice, and for regression.
ClassifierLabels parse_labels(const nlohmann::json& config, const std::string& path);

}  // namespace podium
