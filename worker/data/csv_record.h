// One record of comma- or tab-separated values, as RFC 4180 has them and Excel, LibreOffice and Google Sheets write
// them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/line_report.h"

namespace podium {

constexpr size_t kFieldLimitBytes = 256 << 10;
constexpr size_t kRecordLimitBytes = 1 << 20;

struct CsvRecord {
  std::vector<std::string> fields;  // quotes taken off; a line break in quotes stays as it is
  std::optional<LineFault> fault;   // then there are no fields
  size_t bytes = 0;                 // with the end of the line
};

// Takes one record off the front of `text`, which is not empty. A field that begins with a quote ends with one, and
// holds delimiters, line breaks and doubled quotes in between; a quote elsewhere is a character like others. A record
// ends with LF, CRLF or the text. One that cannot be read is as long as its first line: reading goes on behind it.
CsvRecord parse_csv_record(std::string_view text, char delimiter);

// `field` as it stands in a record: in quotes where it must be.
std::string csv_field(std::string_view field, char delimiter);

}  // namespace podium
