#include "worker/data/document_reader.h"

#include <algorithm>
#include <cctype>

#include "worker/data/table_reader.h"
#include "worker/data/text_file.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

bool is_table(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string_view ending = name;
  for (std::string_view packed : {".gz", ".zst", ".zip"})
    if (ending.ends_with(packed)) ending.remove_suffix(packed.size());
  constexpr std::string_view kEndings[] = {".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json"};
  return std::any_of(std::begin(kEndings), std::end(kEndings), [&](std::string_view e) { return ending.ends_with(e); });
}

DocumentFile read_table(const fs::path& path, const std::string& name, const std::string& text_column) {
  TableReader table(path, name, {text_column});
  DocumentFile file;
  while (std::optional<TableRecord> record = table.next()) {
    if (is_blank(record->values[0]))
      table.refuse(*record, LineFault::kEmptyText);
    else
      file.documents.push_back(std::move(record->values[0]));
  }
  file.report = table.report();
  return file;
}

DocumentFile read_text(const fs::path& path, const std::string& name) {
  TextFile text(path, name);
  DocumentFile file;
  std::string document;
  bool usable = true;
  auto end_document = [&] {
    if (usable && !document.empty()) file.documents.push_back(document);
    document.clear();
    usable = true;
  };
  while (const std::optional<std::string_view> line = text.take_line()) {
    ++file.report.lines;
    if (!is_valid_utf8(*line)) {
      file.report.add(LineFault::kInvalidUtf8, name, file.report.lines);
      usable = false;
    } else if (is_blank(*line)) {
      end_document();
    } else {
      document += document.empty() ? "" : "\n";
      document += *line;
    }
  }
  end_document();
  return file;
}

}  // namespace

DocumentFile read_documents(const fs::path& path, const std::string& name, const std::string& text_column) {
  return is_table(name) ? read_table(path, name, text_column) : read_text(path, name);
}

}  // namespace podium
