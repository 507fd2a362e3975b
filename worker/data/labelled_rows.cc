#include "worker/data/labelled_rows.h"

#include <algorithm>
#include <string_view>

#include "worker/base/error.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

using std::string_view;

string_view trimmed(string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

// Of a cell in a one-hot column; an empty one is false.
std::optional<bool> truth_of(string_view cell) {
  std::string value(trimmed(cell));
  for (char& c : value) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (value == "1" || value == "1.0" || value == "true") return true;
  if (value == "0" || value == "0.0" || value == "false" || value.empty()) return false;
  return std::nullopt;
}

}  // namespace

LabelledRows::LabelledRows(const LabelledTextsOptions& options)
    : options_(options), known_(options.label_list.begin(), options.label_list.end()) {
  if (known_.size() != options.label_list.size()) throw Error("label_list: a name is there twice");
  if (options.label_column.empty() && known_.empty())
    throw Error("label_column is empty: then label_list must name the columns of 0 and 1");
  columns_.push_back(options.text_column);
  if (has_group()) columns_.push_back(options.group_column);
  first_label_ = columns_.size();
  if (!options.label_column.empty())
    columns_.push_back(options.label_column);
  else
    columns_.insert(columns_.end(), options.label_list.begin(), options.label_list.end());
}

std::optional<LineFault> LabelledRows::read(const TableRecord& record, NamedRow& row) const {
  row.text = record.values[0];
  if (is_blank(row.text)) return LineFault::kEmptyText;
  if (has_group()) row.group = record.values[1];
  if (has_group() && row.group.empty()) return LineFault::kEmptyGroup;
  const auto fault = options_.label_column.empty() ? read_one_hot(record, row) : read_names(record, row);
  if (fault) return fault;
  if (row.labels.empty() && !options_.other_label_name.empty()) row.labels.insert(options_.other_label_name);
  return row.labels.empty() && !multi_label() ? std::optional(LineFault::kEmptyLabel) : std::nullopt;
}

std::optional<LineFault> LabelledRows::read_one_hot(const TableRecord& record, NamedRow& row) const {
  for (size_t i = 0; i < options_.label_list.size(); ++i) {
    const std::optional<bool> is_set = truth_of(record.values[first_label_ + i]);
    if (!is_set) return LineFault::kNotBinary;
    if (*is_set) row.labels.insert(options_.label_list[i]);
  }
  return std::nullopt;
}

std::optional<LineFault> LabelledRows::read_names(const TableRecord& record, NamedRow& row) const {
  string_view rest = record.values[first_label_];
  const std::string& delimiter = options_.label_delimiter;
  while (true) {
    const size_t end = delimiter.empty() ? rest.size() : std::min(rest.find(delimiter), rest.size());
    const string_view name = trimmed(rest.substr(0, end));
    if (!name.empty() && !add_name(std::string(name), row)) return LineFault::kUnknownLabel;
    if (end == rest.size()) return std::nullopt;
    rest.remove_prefix(end + delimiter.size());
  }
}

bool LabelledRows::add_name(const std::string& name, NamedRow& row) const {
  const bool is_known = known_.empty() || known_.contains(name);
  if (!is_known && options_.other_label_name.empty()) return false;
  row.labels.insert(is_known ? name : options_.other_label_name);
  return true;
}

}  // namespace podium
