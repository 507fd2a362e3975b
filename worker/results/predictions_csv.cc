#include "worker/results/predictions_csv.h"

#include <fmt/format.h>

#include "worker/base/error.h"
#include "worker/data/csv_record.h"

namespace podium {
namespace {

// `write(id)` of each id, with the delimiter between them.
template <typename Write>
std::string joined(const LabelIds& ids, const std::string& delimiter, Write&& write) {
  std::string text;
  for (size_t i = 0; i < ids.size(); ++i) text += (i == 0 ? "" : delimiter) + write(static_cast<size_t>(ids[i]));
  return text;
}

std::string record(const std::vector<std::string>& fields) {
  std::string text;
  for (size_t i = 0; i < fields.size(); ++i) text += (i == 0 ? "" : ",") + csv_field(fields[i], ',');
  return text + "\n";
}

}  // namespace

std::string predictions_csv(const PredictionColumns& columns, const std::vector<std::string>& labels,
                            std::span<const std::string> texts, std::span<const LabelIds> expected,
                            std::span<const LabelIds> predicted, std::span<const float> probabilities) {
  PODIUM_CHECK(expected.size() == texts.size() && predicted.size() == texts.size() &&
                   probabilities.size() == texts.size() * labels.size(),
               "{} texts, {} labels", texts.size(), labels.size());
  const std::string& delimiter = columns.label_delimiter;
  const auto name = [&](size_t id) { return labels[id]; };
  std::string csv = record({columns.text_column, columns.label_column, columns.prediction_column, "probability"});
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto of_text = probabilities.subspan(i * labels.size(), labels.size());
    csv += record({texts[i], joined(expected[i], delimiter, name), joined(predicted[i], delimiter, name),
                   joined(predicted[i], delimiter, [&](size_t id) { return fmt::format("{:.4f}", of_text[id]); })});
  }
  return csv;
}

}  // namespace podium
