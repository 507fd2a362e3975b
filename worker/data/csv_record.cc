#include "worker/data/csv_record.h"

#include <algorithm>

#include "worker/data/utf8.h"

namespace podium {
namespace {

using std::string_view;

class Parser {
 public:
  Parser(string_view text, char delimiter) : text_(text), delimiter_(delimiter) {}

  CsvRecord record() {
    CsvRecord record;
    size_t size_bytes = 0;
    do {
      std::string field;
      record.fault = at_ < text_.size() && text_[at_] == '"' ? take_quoted(field) : take_plain(field);
      size_bytes += field.size();
      if (!record.fault && (field.size() > kFieldLimitBytes || size_bytes > kRecordLimitBytes))
        record.fault = LineFault::kLongRecord;
      if (!record.fault && !is_valid_utf8(field)) record.fault = LineFault::kInvalidUtf8;
      if (record.fault) break;
      record.fields.push_back(std::move(field));
    } while (take_delimiter());
    if (record.fault) {
      record.fields.clear();
      at_ = std::min(text_.find('\n'), text_.size());
    }
    take_line_end();
    record.bytes = at_;
    return record;
  }

 private:
  // At the end of a line, or of the text.
  size_t line_end_bytes() const {
    const string_view rest = text_.substr(at_);
    return rest.starts_with("\r\n") ? 2 : rest.starts_with('\n') || rest == "\r" ? 1 : 0;
  }
  void take_line_end() { at_ += line_end_bytes(); }

  bool take_delimiter() {
    if (at_ == text_.size() || text_[at_] != delimiter_) return false;
    ++at_;
    return true;
  }

  std::optional<LineFault> take_plain(std::string& field) {
    const size_t delimiter = text_.find_first_of(std::string{delimiter_, '\n'}, at_);
    size_t end = std::min(delimiter, text_.size());
    if ((end == text_.size() || text_[end] == '\n') && end > at_ && text_[end - 1] == '\r') --end;
    if (end - at_ > kFieldLimitBytes) return LineFault::kLongRecord;
    field = text_.substr(at_, end - at_);
    at_ = end;
    return std::nullopt;
  }

  std::optional<LineFault> take_quoted(std::string& field) {
    while (true) {
      ++at_;  // the quote that opens, or the second of two
      const string_view bounded = text_.substr(at_, kFieldLimitBytes + 1);
      const size_t quote = bounded.find('"');
      if (quote == string_view::npos)
        return bounded.size() > kFieldLimitBytes ? LineFault::kLongRecord : LineFault::kBrokenQuotes;
      field += bounded.substr(0, quote);
      if (field.size() > kFieldLimitBytes) return LineFault::kLongRecord;
      at_ += quote + 1;
      if (at_ == text_.size() || text_[at_] == delimiter_ || line_end_bytes() > 0) return std::nullopt;
      if (text_[at_] != '"') return LineFault::kBrokenQuotes;
      field += '"';
    }
  }

  string_view text_;
  char delimiter_;
  size_t at_ = 0;
};

}  // namespace

CsvRecord parse_csv_record(string_view text, char delimiter) { return Parser(text, delimiter).record(); }

std::string csv_field(string_view field, char delimiter) {
  const bool has_edge_space = field.starts_with(' ') || field.ends_with(' ');
  if (!has_edge_space && field.find_first_of(std::string{delimiter, '"', '\r', '\n'}) == string_view::npos)
    return std::string(field);
  std::string quoted = "\"";
  for (char c : field) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace podium
