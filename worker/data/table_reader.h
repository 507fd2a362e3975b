// Records with named columns out of a table: CSV, TSV or JSON lines, by the ending of the file's name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "worker/data/line_report.h"
#include "worker/data/text_file.h"

namespace podium {

struct TableRecord {
  int64_t line = 0;                 // where it begins, from 1
  std::vector<std::string> values;  // of the columns asked for, in their order
};

// Front to back, a record at a time. .csv and .tsv begin with a header of column names; .jsonl, .ndjson and .json hold
// an object a line. The delimiter of .csv is the first of comma, semicolon and tab that finds all columns in the
// header, or the one of a first line sep=; (Excel's): where the comma is the decimal point, spreadsheets write
// semicolons. A record with fewer fields than the header has empty ones behind (Excel leaves them out), blank lines are
// passed over, and a record that cannot be used is counted in report() and passed over.
class TableReader {
 public:
  // `path` is unpacked; `name` (with .gz, .zst or ARCHIVE#MEMBER) tells the format and is how reports call the file. Of
  // JSON lists the items are joined by `list_delimiter`, where it is not empty. Throws BadData with the columns there
  // are where one is missing, and with the endings known where `name` has another.
  TableReader(const fs::path& path, std::string name, std::vector<std::string> columns,
              std::string list_delimiter = "");

  std::optional<TableRecord> next();
  // Counts a record that next() gave as one that cannot be used after all.
  void refuse(const TableRecord& record, LineFault fault) { report_.add(fault, name_, record.line); }
  const LineReport& report() const { return report_; }

 private:
  void read_header(bool is_csv);
  bool find_columns(const std::vector<std::string>& header, char delimiter);
  std::optional<TableRecord> next_separated();
  std::optional<TableRecord> next_json();

  std::string name_;
  TextFile file_;
  std::vector<std::string> columns_;
  std::string list_delimiter_;
  LineReport report_;
  int64_t line_ = 1;             // at which the rest of the file begins
  char delimiter_ = '\0';        // of .csv and .tsv; '\0': JSON lines
  std::vector<size_t> indices_;  // of the columns in the header
  size_t header_size_ = 0;
};

}  // namespace podium
