#include "worker/console/validation_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "worker/console/display_text.h"
#include "worker/console/format.h"

namespace podium {
namespace {

struct Column {
  const char* group;
  const char* name;  // none: the first metric's
  int width;
  int importance;  // the least important goes first
  std::string (*value)(const ValidationRow&);
  bool left = false;
};

using Row = ValidationRow;

// 0 to 100, or about as large.
bool is_large(const TaskMetric& metric) { return metric.name == "bleu" || metric.name == "perplexity"; }

std::string figure_of(const TaskMetric& metric) {
  return is_large(metric) ? fmt::format("{:.2f}", metric.value) : fmt::format("{:.4f}", metric.value);
}

std::string name_of(const Column& column, const Row& row) {
  return column.name != nullptr ? column.name : heading_of(row.metrics[0]);
}

int width_of(const Column& column, const Row& row) {
  return std::max(column.width, static_cast<int>(name_of(column, row).size()));
}

const Column kColumns[] = {
    {"", "epoch", 5, 4, [](const Row& r) { return std::to_string(r.epoch); }},
    {"", "step", 7, 9, [](const Row& r) { return std::to_string(r.step); }},
    {"train", "loss", 8, 5, [](const Row& r) { return fmt::format("{:.4f}", r.train_loss); }},
    {"", "accuracy", 8, 3, [](const Row& r) { return fmt::format("{:.4f}", r.train_accuracy); }},
    {"valid", "loss", 8, 10, [](const Row& r) { return fmt::format("{:.4f}", r.validation_loss); }},
    {"", "accuracy", 8, 7, [](const Row& r) { return fmt::format("{:.4f}", r.validation_accuracy); }},
    {"", nullptr, 6, 8, [](const Row& r) { return figure_of(r.metrics[0]); }},
    {"", "rate", 7, 1, [](const Row& r) { return fmt::format("{:.1e}", r.learning_rate); }},
    {"", "elapsed", 7, 2, [](const Row& r) { return format_duration(r.elapsed_seconds); }},
    {"", "note", 5, 6, [](const Row& r) { return printable(r.note); }, true},
};

std::vector<const Column*> columns_shown(const Row& row, int columns) {
  std::vector<const Column*> shown;
  int width = -1;
  for (const Column& column : kColumns) {
    if (column.name == nullptr && row.metrics.empty()) continue;
    shown.push_back(&column);
    width += width_of(column, row) + 1;
  }
  while (shown.size() > 1 && width > columns) {
    auto least = std::min_element(shown.begin(), shown.end(),
                                  [](const Column* a, const Column* b) { return a->importance < b->importance; });
    width -= width_of(**least, row) + 1;
    shown.erase(least);
  }
  return shown;
}

// One line of the table, of the text that `cell` gives for each column.
template <typename Cell>
std::string table_line(const Row& row, int columns, Cell cell) {
  std::string line;
  for (const Column* column : columns_shown(row, columns)) {
    if (!line.empty()) line += ' ';
    line += pad_to_columns(cell(*column), width_of(*column, row), column->left);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return truncate_to_columns(line, columns);
}

}  // namespace

std::string heading_of(const TaskMetric& metric) {
  if (metric.name == "bleu") return "BLEU";
  std::string heading = metric.name;
  std::replace(heading.begin(), heading.end(), '_', ' ');
  if (heading.ends_with(" f1")) heading[heading.size() - 2] = 'F';
  return heading;
}

std::string validation_header(const ValidationRow& row, int columns) {
  return table_line(row, columns, [](const Column& column) { return column.group; }) + '\n' +
         table_line(row, columns, [&](const Column& column) { return name_of(column, row); }) + '\n';
}

std::string validation_row(const ValidationRow& row, int columns) {
  return table_line(row, columns, [&](const Column& column) { return column.value(row); });
}

std::string validation_event(const ValidationRow& row) {
  std::string event = fmt::format(
      "validation epoch {} step {} train-loss {:.4f} train-accuracy {:.4f} validation-loss {:.4f} validation-accuracy "
      "{:.4f}",
      row.epoch, row.step, row.train_loss, row.train_accuracy, row.validation_loss, row.validation_accuracy);
  for (const TaskMetric& metric : row.metrics) {
    std::string name = metric.name;
    std::replace(name.begin(), name.end(), '_', '-');
    event += fmt::format(" {} {}", name, figure_of(metric));
  }
  event += fmt::format(" learning-rate {:.1e} elapsed {}", row.learning_rate, format_duration(row.elapsed_seconds));
  if (!row.note.empty()) event += " note " + printable(row.note);
  return event;
}

LogFields validation_fields(const ValidationRow& row) {
  LogFields fields = {{"step", row.step},
                      {"epoch", int64_t{row.epoch}},
                      {"train_loss", row.train_loss},
                      {"train_accuracy", row.train_accuracy},
                      {"validation_loss", row.validation_loss},
                      {"validation_accuracy", row.validation_accuracy},
                      {"learning_rate", row.learning_rate},
                      {"elapsed_seconds", row.elapsed_seconds}};
  for (const TaskMetric& metric : row.metrics) fields.emplace_back(metric.name, metric.value);
  if (!row.note.empty()) fields.emplace_back("note", row.note);
  return fields;
}

}  // namespace podium
