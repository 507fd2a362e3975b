// A classifier's scores as a table for a terminal.
#pragma once

#include <string>
#include <vector>

#include "worker/metrics/classification.h"

namespace podium {

// The text of scikit-learn's classification_report, byte for byte where labels are Latin text; wide characters count as
// the two columns that they take. `labels`: names by id.
std::string classification_table(const std::vector<std::string>& labels, const ClassificationScores& scores,
                                 int digits = 2);

}  // namespace podium
