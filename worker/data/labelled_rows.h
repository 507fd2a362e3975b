// A table's rows as texts and the names of their labels.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "worker/data/labelled_texts.h"
#include "worker/data/table_reader.h"

namespace podium {

// A row before labels have ids.
struct NamedRow {
  std::string text, group;
  std::set<std::string> labels;
};

// Which columns of a table are read, and what a row's labels are by the options. The options must outlive it.
class LabelledRows {
 public:
  // Throws Error naming the option that makes no sense.
  explicit LabelledRows(const LabelledTextsOptions& options);

  bool multi_label() const { return options_.label_column.empty() || !options_.label_delimiter.empty(); }
  const std::vector<std::string>& columns() const { return columns_; }

  // Fills `row` from a record of columns(), or says why it cannot.
  std::optional<LineFault> read(const TableRecord& record, NamedRow& row) const;

 private:
  bool has_group() const { return !options_.group_column.empty(); }
  std::optional<LineFault> read_one_hot(const TableRecord& record, NamedRow& row) const;
  std::optional<LineFault> read_names(const TableRecord& record, NamedRow& row) const;
  // False for a label that there is not.
  bool add_name(const std::string& name, NamedRow& row) const;

  const LabelledTextsOptions& options_;
  std::set<std::string> known_;
  std::vector<std::string> columns_;
  size_t first_label_ = 0;  // in columns_
};

}  // namespace podium
