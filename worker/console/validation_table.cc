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
  const char* name;
  int width;
  int importance;  // the least important goes first
  std::string (*value)(const ValidationRow&);
  bool left = false;
};

using Row = ValidationRow;

const Column kColumns[] = {
    {"", "epoch", 5, 4, [](const Row& r) { return std::to_string(r.epoch); }},
    {"", "step", 7, 9, [](const Row& r) { return std::to_string(r.step); }},
    {"train", "loss", 8, 5, [](const Row& r) { return fmt::format("{:.4f}", r.train_loss); }},
    {"", "accuracy", 8, 3, [](const Row& r) { return fmt::format("{:.4f}", r.train_accuracy); }},
    {"valid", "loss", 8, 10, [](const Row& r) { return fmt::format("{:.4f}", r.validation_loss); }},
    {"", "accuracy", 8, 7, [](const Row& r) { return fmt::format("{:.4f}", r.validation_accuracy); }},
    {"", "BLEU", 6, 8, [](const Row& r) { return r.bleu ? fmt::format("{:.2f}", *r.bleu) : "-"; }},
    {"", "rate", 7, 1, [](const Row& r) { return fmt::format("{:.1e}", r.learning_rate); }},
    {"", "elapsed", 7, 2, [](const Row& r) { return format_duration(r.elapsed_seconds); }},
    {"", "note", 5, 6, [](const Row& r) { return printable(r.note); }, true},
};

std::vector<const Column*> columns_shown(int columns) {
  std::vector<const Column*> shown;
  int width = -1;
  for (const Column& column : kColumns) {
    shown.push_back(&column);
    width += column.width + 1;
  }
  while (shown.size() > 1 && width > columns) {
    auto least = std::min_element(shown.begin(), shown.end(),
                                  [](const Column* a, const Column* b) { return a->importance < b->importance; });
    width -= (*least)->width + 1;
    shown.erase(least);
  }
  return shown;
}

// One line of the table, of the text that `cell` gives for each column.
template <typename Cell>
std::string table_line(int columns, Cell cell) {
  std::string line;
  for (const Column* column : columns_shown(columns)) {
    if (!line.empty()) line += ' ';
    line += pad_to_columns(cell(*column), column->width, column->left);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return truncate_to_columns(line, columns);
}

}  // namespace

std::string validation_header(int columns) {
  return table_line(columns, [](const Column& column) { return column.group; }) + '\n' +
         table_line(columns, [](const Column& column) { return column.name; }) + '\n';
}

std::string validation_row(const ValidationRow& row, int columns) {
  return table_line(columns, [&](const Column& column) { return column.value(row); });
}

std::string validation_event(const ValidationRow& row) {
  std::string event = fmt::format(
      "validation epoch {} step {} train-loss {:.4f} train-accuracy {:.4f} validation-loss {:.4f} validation-accuracy "
      "{:.4f}",
      row.epoch, row.step, row.train_loss, row.train_accuracy, row.validation_loss, row.validation_accuracy);
  if (row.bleu) event += fmt::format(" bleu {:.2f}", *row.bleu);
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
  if (row.bleu) fields.emplace_back("bleu", *row.bleu);
  if (!row.note.empty()) fields.emplace_back("note", row.note);
  return fields;
}

}  // namespace podium
