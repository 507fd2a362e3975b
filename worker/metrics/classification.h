// Precision, recall and F1 of a classifier, number for number as scikit-learn computes them with zero_division=0 and
// all labels given.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace podium {

// The release of scikit-learn whose numbers and text these are.
inline constexpr const char* kScikitLearnVersion = "1.9.1";

// The ids of a text's labels: ascending, from 0; exactly one each unless several are allowed.
using LabelIds = std::vector<int32_t>;

// From 0 to 1, and 0 where nothing was predicted (precision), expected (recall) or either (F1).
struct LabelScore {
  double precision = 0, recall = 0, f1 = 0;
  int64_t support = 0;  // texts that have the label; of an average: the sum over labels
};

struct ClassificationScores {
  std::vector<LabelScore> labels;     // by id
  LabelScore micro, macro, weighted;  // over all decisions; the mean of labels; the same weighted by support
  std::optional<LabelScore> samples;  // where several labels are allowed: the mean over texts
  double accuracy = 0;                // texts whose labels are exactly the expected ones
  int64_t texts = 0;
};

// What texts have and what was predicted for them. Ids are below label_count, and both are of one length.
ClassificationScores classification_scores(std::span<const LabelIds> expected, std::span<const LabelIds> predicted,
                                           size_t label_count, bool multi_label);

// One of the scores by scikit-learn's name for it: accuracy, or precision, recall or f1 with _micro, _macro, _weighted
// or _samples. Nothing where there is none of that name.
std::optional<double> classification_score(const ClassificationScores& scores, const std::string& name);

// (label_count, label_count): how many texts of the row's label were taken for the column's. For one label a text.
std::vector<int64_t> confusion_matrix(std::span<const LabelIds> expected, std::span<const LabelIds> predicted,
                                      size_t label_count);

// What a model's probabilities, by label, predict: the likeliest label (the first of equals), or all that are at least
// prediction_threshold.
LabelIds likeliest_label(std::span<const float> probabilities);
LabelIds labels_from(std::span<const float> probabilities, double prediction_threshold);

}  // namespace podium
