// A classifier's scores and confusions as the JSON files that lie with a snapshot.
#pragma once

#include <string>
#include <vector>

#include "worker/metrics/classification.h"

namespace podium {

// metrics.json: {"texts", "accuracy", "micro", "macro", "weighted", "samples" (where several labels are allowed),
// "labels": {NAME: {"precision", "recall", "f1", "support"}}}. Numbers are read back bit for bit.
std::string metrics_json(const std::vector<std::string>& labels, const ClassificationScores& scores);

// confusion.json: {"labels": [NAME…], "matrix": [[…]…]}: a row a label that texts have, a column a label that was
// predicted. `matrix`: (labels, labels).
std::string confusion_json(const std::vector<std::string>& labels, const std::vector<int64_t>& matrix);

}  // namespace podium
