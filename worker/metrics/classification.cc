#include "worker/metrics/classification.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include "worker/base/error.h"

namespace podium {
namespace {

// Of a label, a text or all decisions.
struct Counts {
  int64_t right = 0, predicted = 0, expected = 0;
};

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

LabelScore score_of(const Counts& counts) {
  return {ratio(counts.right, counts.predicted), ratio(counts.right, counts.expected),
          ratio(2 * counts.right, counts.predicted + counts.expected), counts.expected};
}

// The mean of scores by their weights: 0 without any.
class Mean {
 public:
  void add(const LabelScore& score, double weight) {
    sum_.precision += weight * score.precision;
    sum_.recall += weight * score.recall;
    sum_.f1 += weight * score.f1;
    sum_.support += score.support;
    weight_ += weight;
  }
  LabelScore value() const {
    if (weight_ == 0) return {0, 0, 0, sum_.support};
    return {sum_.precision / weight_, sum_.recall / weight_, sum_.f1 / weight_, sum_.support};
  }

 private:
  LabelScore sum_;
  double weight_ = 0;
};

void check(std::span<const LabelIds> ids, size_t label_count, bool multi_label) {
  for (const LabelIds& of_text : ids) {
    PODIUM_CHECK(multi_label || of_text.size() == 1, "{} labels", of_text.size());
    PODIUM_CHECK(std::is_sorted(of_text.begin(), of_text.end()));
    for (int32_t id : of_text) PODIUM_CHECK(id >= 0 && static_cast<size_t>(id) < label_count, "label {}", id);
  }
}

Counts counts_of_text(const LabelIds& expected, const LabelIds& predicted) {
  LabelIds right;
  std::set_intersection(expected.begin(), expected.end(), predicted.begin(), predicted.end(),
                        std::back_inserter(right));
  return {static_cast<int64_t>(right.size()), static_cast<int64_t>(predicted.size()),
          static_cast<int64_t>(expected.size())};
}

}  // namespace

ClassificationScores classification_scores(std::span<const LabelIds> expected, std::span<const LabelIds> predicted,
                                           size_t label_count, bool multi_label) {
  PODIUM_CHECK(expected.size() == predicted.size(), "{} and {}", expected.size(), predicted.size());
  check(expected, label_count, multi_label);
  check(predicted, label_count, multi_label);
  std::vector<Counts> of_label(label_count);
  Counts all;
  Mean samples, macro, weighted;
  int64_t exact = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const Counts of_text = counts_of_text(expected[i], predicted[i]);
    samples.add(score_of(of_text), 1);
    exact += expected[i] == predicted[i];
    all.right += of_text.right;
    all.predicted += of_text.predicted;
    all.expected += of_text.expected;
    for (int32_t id : expected[i]) {
      ++of_label[static_cast<size_t>(id)].expected;
      of_label[static_cast<size_t>(id)].right += std::binary_search(predicted[i].begin(), predicted[i].end(), id);
    }
    for (int32_t id : predicted[i]) ++of_label[static_cast<size_t>(id)].predicted;
  }
  ClassificationScores scores;
  for (const Counts& counts : of_label) {
    scores.labels.push_back(score_of(counts));
    macro.add(scores.labels.back(), 1);
    weighted.add(scores.labels.back(), static_cast<double>(counts.expected));
  }
  scores.micro = score_of(all);
  scores.macro = macro.value();
  scores.weighted = weighted.value();
  if (multi_label) scores.samples = samples.value();
  scores.texts = static_cast<int64_t>(expected.size());
  scores.accuracy = ratio(exact, scores.texts);
  return scores;
}

std::optional<double> classification_score(const ClassificationScores& scores, const std::string& name) {
  if (name == "accuracy") return scores.accuracy;
  const std::array<std::pair<std::string_view, const LabelScore*>, 4> averages{
      {{"_micro", &scores.micro},
       {"_macro", &scores.macro},
       {"_weighted", &scores.weighted},
       {"_samples", scores.samples ? &*scores.samples : nullptr}}};
  for (const auto& [ending, average] : averages) {
    if (average == nullptr || !name.ends_with(ending)) continue;
    const std::string_view kind = std::string_view(name).substr(0, name.size() - ending.size());
    if (kind == "precision") return average->precision;
    if (kind == "recall") return average->recall;
    if (kind == "f1") return average->f1;
  }
  return std::nullopt;
}

std::vector<int64_t> confusion_matrix(std::span<const LabelIds> expected, std::span<const LabelIds> predicted,
                                      size_t label_count) {
  PODIUM_CHECK(expected.size() == predicted.size(), "{} and {}", expected.size(), predicted.size());
  check(expected, label_count, false);
  check(predicted, label_count, false);
  std::vector<int64_t> matrix(label_count * label_count, 0);
  for (size_t i = 0; i < expected.size(); ++i)
    ++matrix[static_cast<size_t>(expected[i][0]) * label_count + static_cast<size_t>(predicted[i][0])];
  return matrix;
}

LabelIds likeliest_label(std::span<const float> probabilities) {
  PODIUM_CHECK(!probabilities.empty());
  return {static_cast<int32_t>(std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin())};
}

LabelIds labels_from(std::span<const float> probabilities, double prediction_threshold) {
  LabelIds labels;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] >= prediction_threshold) labels.push_back(static_cast<int32_t>(i));
  }
  return labels;
}

}  // namespace podium
