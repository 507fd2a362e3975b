#include "worker/tasks/classification/classification_results.h"

#include <limits>

#include "worker/json/strict_json.h"
#include "worker/results/classification_json.h"
#include "worker/results/confusion_picture.h"
#include "worker/results/predictions_csv.h"
#include "worker/tasks/classification/label_columns.h"

namespace podium {
namespace {

constexpr int64_t kMany = std::numeric_limits<int32_t>::max();

LabelScore parse_score(const nlohmann::json& scores, const char* key, const std::string& path) {
  const nlohmann::json& score = json_object(scores, key, path);
  const std::string where = fmt::format("{}: {}", path, key);
  return {json_number(score, "precision", where), json_number(score, "recall", where), json_number(score, "f1", where),
          json_integer(score, "support", 0, kMany, where)};
}

}  // namespace

SmallFiles result_files(const Settings& settings, const ClassifierLabels& labels, const HeldOutTexts& held_out,
                        const Predictions& predictions) {
  const size_t count = labels.names.size();
  const bool several = labels.loss.multi_label;
  SmallFiles files;
  files.emplace_back(
      "metrics.json",
      metrics_json(labels.names, classification_scores(held_out.labels, predictions.labels, count, several)));
  if (!several) {
    const std::vector<int64_t> matrix = confusion_matrix(held_out.labels, predictions.labels, count);
    files.emplace_back("confusion.json", confusion_json(labels.names, matrix));
    files.emplace_back("confusion.png", confusion_png(labels.names, matrix));
  }
  const LabelledTextsOptions read = label_columns(settings);
  PredictionColumns columns;
  columns.text_column = read.text_column;
  if (!read.label_column.empty()) columns.label_column = read.label_column;
  if (!read.label_delimiter.empty()) columns.label_delimiter = read.label_delimiter;
  columns.prediction_column = settings.classification.prediction_column;
  files.emplace_back("predictions.csv", predictions_csv(columns, labels.names, held_out.texts, held_out.labels,
                                                        predictions.labels, predictions.probabilities));
  return files;
}

ClassificationScores parse_metrics_json(std::string_view text, const std::vector<std::string>& labels,
                                        const std::string& path) {
  const nlohmann::json json = parse_strict_json(text, path);
  ClassificationScores scores;
  scores.texts = json_integer(json, "texts", 0, kMany, path);
  scores.accuracy = json_number(json, "accuracy", path);
  scores.micro = parse_score(json, "micro", path);
  scores.macro = parse_score(json, "macro", path);
  scores.weighted = parse_score(json, "weighted", path);
  if (json_has(json, "samples")) scores.samples = parse_score(json, "samples", path);
  const nlohmann::json& of_labels = json_object(json, "labels", path);
  for (const std::string& label : labels) scores.labels.push_back(parse_score(of_labels, label.c_str(), path));
  return scores;
}

}  // namespace podium
