#include "worker/data/table_reader.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "worker/data/bad_data.h"
#include "worker/data/csv_record.h"
#include "worker/data/json_record.h"
#include "worker/data/utf8.h"
#include "worker/json/strict_json.h"

namespace podium {
namespace {

enum class Format : uint8_t { kCsv, kTsv, kJsonLines };

Format format_of(const std::string& name) {
  std::string lower = name;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::string_view ending = lower;
  for (std::string_view packed : {".gz", ".zst", ".zip"}) {
    if (ending.ends_with(packed)) ending.remove_suffix(packed.size());
  }
  if (ending.ends_with(".csv")) return Format::kCsv;
  if (ending.ends_with(".tsv") || ending.ends_with(".tab")) return Format::kTsv;
  for (std::string_view json : {".jsonl", ".ndjson", ".json"}) {
    if (ending.ends_with(json)) return Format::kJsonLines;
  }
  throw BadData("{}: cannot tell its format, expected a name in .csv, .tsv, .jsonl, .ndjson or .json (and .gz or .zst)",
                name);
}

// As an error shows them: some of many, and not the whole of a text that is no header.
std::string list_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 20, kLongest = 40;
  std::vector<std::string> shown;
  for (const std::string& name : names) {
    if (shown.size() == kShown) break;
    shown.push_back(name.size() <= kLongest ? name : "(a long text)");
  }
  return fmt::format("{}{}", fmt::join(shown, ", "), names.size() > kShown ? ", …" : "");
}

// The first line when it is Excel's sep=X.
char declared_delimiter(std::string_view text) {
  const bool is_declared = text.starts_with("sep=") && text.size() > 5 && (text[5] == '\n' || text[5] == '\r');
  return is_declared ? text[4] : '\0';
}

}  // namespace

TableReader::TableReader(const fs::path& path, std::string name, std::vector<std::string> columns,
                         std::string list_delimiter)
    : name_(std::move(name)),
      file_(path, name_),
      columns_(std::move(columns)),
      list_delimiter_(std::move(list_delimiter)) {
  report_.unit = "records";
  const Format format = format_of(name_);
  if (is_blank(file_.rest()))
    throw BadData("{}: is empty, expected {} in UTF-8", name_,
                  format == Format::kJsonLines ? "a JSON object a line" : "a header of column names and records");
  if (format == Format::kJsonLines && file_.rest().starts_with('['))
    throw BadData("{}: is one JSON list, expected JSON lines: an object on each line", name_);
  if (format != Format::kJsonLines) read_header(format == Format::kCsv);
}

bool TableReader::find_columns(const std::vector<std::string>& header, char delimiter) {
  indices_.clear();
  for (const std::string& column : columns_) {
    const auto found = std::find(header.begin(), header.end(), column);
    if (found == header.end()) return false;
    if (std::find(found + 1, header.end(), column) != header.end())
      throw BadData("{}:{}: two columns are named '{}'", name_, line_, column);
    indices_.push_back(static_cast<size_t>(found - header.begin()));
  }
  delimiter_ = delimiter;
  header_size_ = header.size();
  return true;
}

void TableReader::read_header(bool is_csv) {
  std::string delimiters = is_csv ? ",;\t" : "\t";
  if (const char declared = is_csv ? declared_delimiter(file_.rest()) : '\0'; declared != '\0') {
    delimiters = declared;
    file_.take_line();
    ++line_;
  }
  std::vector<std::string> most;  // names, for the error
  for (char delimiter : delimiters) {
    if (file_.rest().empty()) break;
    const CsvRecord header = parse_csv_record(file_.rest(), delimiter);
    if (header.fields.size() > most.size()) most = header.fields;
    if (!find_columns(header.fields, delimiter)) continue;
    const std::string_view text = file_.rest().substr(0, header.bytes);
    line_ += std::count(text.begin(), text.end(), '\n');
    file_.take(header.bytes);
    return;
  }
  for (const std::string& column : columns_) {
    if (std::find(most.begin(), most.end(), column) == most.end())
      throw BadData("{}:{}: there is no column '{}'; the header has: {}", name_, line_, column, list_of(most));
  }
  throw BadData("{}:{}: the header cannot be read", name_, line_);
}

std::optional<TableRecord> TableReader::next() { return delimiter_ == '\0' ? next_json() : next_separated(); }

std::optional<TableRecord> TableReader::next_separated() {
  while (!file_.rest().empty()) {
    CsvRecord record = parse_csv_record(file_.rest(), delimiter_);
    TableRecord result{line_, {}};
    const std::string_view text = file_.rest().substr(0, record.bytes);
    line_ += std::count(text.begin(), text.end(), '\n');
    file_.take(record.bytes);
    if (!record.fault && record.fields.size() == 1 && record.fields[0].empty()) continue;
    ++report_.lines;
    if (!record.fault && record.fields.size() > header_size_) record.fault = LineFault::kTooManyFields;
    if (record.fault) {
      refuse(result, *record.fault);
      continue;
    }
    record.fields.resize(header_size_);
    for (size_t index : indices_) result.values.push_back(record.fields[index]);
    return result;
  }
  return std::nullopt;
}

std::optional<TableRecord> TableReader::next_json() {
  while (const auto line = file_.take_line()) {
    TableRecord result{line_++, {}};
    if (is_blank(*line)) continue;
    JsonRecord record = parse_json_record(*line, columns_, list_delimiter_);
    if (record.fault == LineFault::kMissingColumn && report_.lines == 0) {
      std::vector<std::string> keys;
      const nlohmann::json object = parse_strict_json(*line, name_);
      for (const auto& [key, value] : object.items()) keys.push_back(key);
      throw BadData("{}:{}: there is no '{}' in the first object; it has: {}", name_, result.line, record.missing,
                    list_of(keys));
    }
    ++report_.lines;
    if (record.fault) {
      refuse(result, *record.fault);
      continue;
    }
    result.values = std::move(record.values);
    return result;
  }
  return std::nullopt;
}

}  // namespace podium
