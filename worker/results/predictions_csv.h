// What a classifier predicts for texts, as a table for people.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "worker/metrics/classification.h"

namespace podium {

// The names in the header. Several labels of one text are joined by label_delimiter.
struct PredictionColumns {
  std::string text_column = "text";
  std::string label_column = "label";
  std::string prediction_column = "prediction";
  std::string label_delimiter = "|";
};

// CSV (RFC 4180 with LF line ends, UTF-8, a header): each text, its labels, the predicted ones and their
// probabilities. All of one length; `probabilities`: (texts, labels).
std::string predictions_csv(const PredictionColumns& columns, const std::vector<std::string>& labels,
                            std::span<const std::string> texts, std::span<const LabelIds> expected,
                            std::span<const LabelIds> predicted, std::span<const float> probabilities);

}  // namespace podium
