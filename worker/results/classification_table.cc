#include "worker/results/classification_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "worker/base/error.h"
#include "worker/console/display_text.h"

namespace podium {
namespace {

constexpr int kColumn = 9;

class Table {
 public:
  Table(int width, int digits) : width_(width), digits_(digits) {}

  void head() {
    name("");
    for (const char* title : {"precision", "recall", "f1-score", "support"})
      text_ += fmt::format(" {:>{}}", title, kColumn);
    text_ += "\n";
  }
  void row(std::string_view label, const LabelScore& score) {
    name(label);
    for (double value : {score.precision, score.recall, score.f1}) number(value);
    text_ += fmt::format(" {:>{}}\n", score.support, kColumn);
  }
  void accuracy(double value, int64_t texts) {
    name("accuracy");
    text_ += std::string(2 * (kColumn + 1), ' ');
    number(value);
    text_ += fmt::format(" {:>{}}\n", texts, kColumn);
  }
  void gap() { text_ += "\n"; }
  const std::string& text() const { return text_; }

 private:
  void name(std::string_view label) { text_ += pad_to_columns(label, width_) + " "; }
  void number(double value) { text_ += fmt::format(" {:>{}.{}f}", value, kColumn, digits_); }

  int width_, digits_;
  std::string text_;
};

}  // namespace

std::string classification_table(const std::vector<std::string>& labels, const ClassificationScores& scores,
                                 int digits) {
  PODIUM_CHECK(labels.size() == scores.labels.size(), "{} and {}", labels.size(), scores.labels.size());
  std::vector<std::string> names;
  int width = std::max(display_columns("weighted avg"), digits);
  for (const std::string& label : labels) {
    names.push_back(printable(label));
    width = std::max(width, display_columns(names.back()));
  }
  Table table(width, digits);
  table.head();
  table.gap();
  for (size_t i = 0; i < names.size(); ++i) table.row(names[i], scores.labels[i]);
  table.gap();
  if (scores.samples)
    table.row("micro avg", scores.micro);
  else
    table.accuracy(scores.accuracy, scores.texts);
  table.row("macro avg", scores.macro);
  table.row("weighted avg", scores.weighted);
  if (scores.samples) table.row("samples avg", *scores.samples);
  return table.text();
}

}  // namespace podium
