// Sentence pairs out of text files: tab-separated, or two files with the same number of lines.
#pragma once

#include <string>
#include <vector>

#include "worker/base/file.h"
#include "worker/data/line_report.h"
#include "worker/data/sentence_pair.h"

namespace podium {

// A side longer than this is counted as too long before it reaches the tokenizer.
constexpr size_t kSideLimitBytes = 64 << 10;

struct PairFile {
  std::vector<SentencePair> pairs;  // in the order of lines
  LineReport report;
};

// Lines of source<TAB>target in UTF-8. A byte order mark at the start and CR before LF are taken off. Lines that cannot
// be used are counted in the report, under `name`, and left out. Throws Error when the file cannot be read, or is
// UTF-16.
PairFile read_tsv_pairs(const fs::path& path, const std::string& name);

// Line i of one file and line i of the other. Throws Error with both counts when they have different numbers of lines.
// A line that cannot be used is left out on both sides.
PairFile read_parallel_pairs(const fs::path& source, const std::string& source_name, const fs::path& target,
                             const std::string& target_name);

}  // namespace podium
