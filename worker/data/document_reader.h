// Texts for language models: the documents of a file.
#pragma once

#include <string>
#include <vector>

#include "worker/base/file.h"
#include "worker/data/line_report.h"

namespace podium {

struct DocumentFile {
  std::vector<std::string> documents;  // in UTF-8, none blank
  LineReport report;                   // documents with lines that are not UTF-8 are left out and counted
};

// `path` is unpacked; `name` (with .gz, .zst or ARCHIVE#MEMBER) tells the format and is how reports call the file. Of
// .jsonl, .ndjson, .json, .csv and .tsv each record is a document, its text in the column `text_column`; of every other
// name the file is plain text, where blank lines stand between documents, and the lines of one stay lines. Throws Error
// when it cannot be read.
DocumentFile read_documents(const fs::path& path, const std::string& name, const std::string& text_column);

}  // namespace podium
