#include "worker/results/classification_json.h"

#include <nlohmann/json.hpp>

#include "worker/base/error.h"

namespace podium {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const LabelScore& score) {
  return {{"precision", score.precision}, {"recall", score.recall}, {"f1", score.f1}, {"support", score.support}};
}

}  // namespace

std::string metrics_json(const std::vector<std::string>& labels, const ClassificationScores& scores) {
  PODIUM_CHECK(labels.size() == scores.labels.size(), "{} and {}", labels.size(), scores.labels.size());
  ordered_json json;
  json["texts"] = scores.texts;
  json["accuracy"] = scores.accuracy;
  json["micro"] = json_of(scores.micro);
  json["macro"] = json_of(scores.macro);
  json["weighted"] = json_of(scores.weighted);
  if (scores.samples) json["samples"] = json_of(*scores.samples);
  json["labels"] = ordered_json::object();
  for (size_t i = 0; i < labels.size(); ++i) json["labels"][labels[i]] = json_of(scores.labels[i]);
  return json.dump(2) + "\n";
}

std::string confusion_json(const std::vector<std::string>& labels, const std::vector<int64_t>& matrix) {
  PODIUM_CHECK(matrix.size() == labels.size() * labels.size(), "{} values", matrix.size());
  // A row a line, as a matrix is read.
  std::string text = "{\n  \"labels\": " + ordered_json(labels).dump() + ",\n  \"matrix\": [";
  for (size_t row = 0; row < labels.size(); ++row) {
    const auto begin = matrix.begin() + static_cast<std::ptrdiff_t>(row * labels.size());
    const std::vector<int64_t> counts(begin, begin + static_cast<std::ptrdiff_t>(labels.size()));
    text += (row == 0 ? "\n    " : ",\n    ") + ordered_json(counts).dump();
  }
  return text + "\n  ]\n}\n";
}

}  // namespace podium
