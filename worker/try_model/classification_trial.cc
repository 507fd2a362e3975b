#include "worker/try_model/classification_trial.h"

#include <algorithm>

#include "configuration/settings.h"
#include "worker/data/dataset_file.h"
#include "worker/data/labelled_rows.h"
#include "worker/metrics/classification.h"
#include "worker/results/classification_table.h"
#include "worker/tasks/classification/label_columns.h"

namespace podium {
namespace {

struct ScoredTexts {
  std::vector<std::string> texts;
  std::vector<LabelIds> labels;
};

// The id of each name, other_label_name's for one that is not among them; nothing where there is none.
std::optional<LabelIds> ids_of(const NamedRow& row, const std::vector<std::string>& labels, const std::string& other) {
  LabelIds ids;
  for (const std::string& name : row.labels) {
    auto found = std::find(labels.begin(), labels.end(), name);
    if (found == labels.end()) found = std::find(labels.begin(), labels.end(), other);
    if (found == labels.end()) return std::nullopt;
    ids.push_back(static_cast<int32_t>(found - labels.begin()));
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

ScoredTexts read_table(const std::string& file, const LabelledTextsOptions& options,
                       const std::vector<std::string>& labels) {
  const LabelledRows rows(options);
  TableReader reader(dataset_file(file, options.fetch), file, rows.columns(), options.label_delimiter);
  ScoredTexts scored;
  while (const auto record = reader.next()) {
    NamedRow row;
    const std::optional<LineFault> fault = rows.read(*record, row);
    std::optional<LabelIds> ids = fault ? std::nullopt : ids_of(row, labels, options.other_label_name);
    if (!ids) {
      reader.refuse(*record, fault.value_or(LineFault::kUnknownLabel));
      continue;
    }
    scored.texts.push_back(std::move(row.text));
    scored.labels.push_back(std::move(*ids));
  }
  reader.report().check(0);
  return scored;
}

LabelIds predicted(const ClassifierLabels& labels, std::span<const float> probabilities) {
  return labels.loss.multi_label ? labels_from(probabilities, labels.loss.prediction_threshold)
                                 : likeliest_label(probabilities);
}

}  // namespace

ClassificationTrial::ClassificationTrial(const fs::path& folder, const TrialOptions& options, ThreadPool& threads)
    : options_(options), threads_(threads), classifier_(Classifier::open(folder)) {
  if (!options.attention.picture.empty())
    throw Error("--attention: {} holds a classifier, which has none", folder.string());
}

std::string ClassificationTrial::introduction() const {
  return fmt::format("{}: {}, {} parameters, {} labels. One text a line; an empty line or Ctrl-D ends.",
                     classifier_.folder().string(), classifier_.model().sizes(),
                     classifier_.model().parameters().count(), classifier_.labels().names.size());
}

std::vector<std::string> ClassificationTrial::answer(std::span<const std::string> lines) {
  const std::vector<float> probabilities = classifier_.probabilities(threads_, lines);
  const std::vector<std::string>& names = classifier_.labels().names;
  std::vector<std::string> answers;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::span<const float> of_text = std::span(probabilities).subspan(i * names.size(), names.size());
    std::string& answer = answers.emplace_back();
    for (int32_t label : predicted(classifier_.labels(), of_text))
      answer += fmt::format("{}{} {:.4f}", answer.empty() ? "" : ", ", names[static_cast<size_t>(label)],
                            of_text[static_cast<size_t>(label)]);
    if (answer.empty()) answer = "-";
  }
  return answers;
}

std::optional<std::string> ClassificationTrial::report() {
  if (options_.score.empty()) return std::nullopt;
  if (options_.score.size() > 1 || options_.input != "-")
    throw Error("--score: one file with texts and labels was expected, and no --input");
  const std::string settings = (classifier_.folder() / "settings.yaml").string();
  const LabelledTextsOptions columns = label_columns(load_settings({"--settings", settings}, {}, {}).settings);
  const std::vector<std::string>& names = classifier_.labels().names;
  const ScoredTexts scored = read_table(options_.score[0], columns, names);
  const std::vector<float> probabilities = classifier_.probabilities(threads_, scored.texts);
  std::vector<LabelIds> labels;
  for (size_t i = 0; i < scored.texts.size(); ++i)
    labels.push_back(predicted(classifier_.labels(), std::span(probabilities).subspan(i * names.size(), names.size())));
  return classification_table(
      names, classification_scores(scored.labels, labels, names.size(), classifier_.labels().loss.multi_label));
}

}  // namespace podium
