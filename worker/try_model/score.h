// What `test --score` reads and prints.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace podium {

struct ScoredText {
  std::vector<std::string> sources;                  // of a .tsv file, else empty
  std::vector<std::vector<std::string>> references;  // one list for each sentence
};

// One .tsv file: the source in the first column, references in the others, the same number in each line. Or text files
// with a reference a line, several for several references. UTF-8; a byte order mark is taken off.
// Throws Error naming the file, and the line where there is one.
ScoredText read_scored_text(std::span<const std::string> files);

// BLEU, chrF2 and chrF2++, each on the line that sacreBLEU prints. Throws Error when there are not as many translations
// as references.
std::string score_report(std::span<const std::string> translations, const ScoredText& text,
                         std::span<const std::string> files);

}  // namespace podium
