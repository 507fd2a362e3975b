// Corpus chrF (Popović 2015) and chrF++ (Popović 2017), number for number as sacreBLEU computes them with its defaults:
// n-grams of 1 to 6 characters without white space, case kept, beta 2, orders that a corpus is too short for left out.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace podium {

struct ChrfScore {
  double score = 0;         // 0 to 100
  int word_order = 0;       // 2: chrF++
  int reference_count = 1;  // per segment; -1 when it varies

  // "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0"
  std::string signature() const;
  // The line that `sacrebleu --metrics chrf --format text --width decimals` prints: "chrF2|…signature… = 51.2".
  std::string text(int decimals = 1) const;
};

// Scores hypotheses[i] against that string of references[i] which suits it best. word_order: 0 for chrF, 2 for chrF++,
// which counts words and pairs of words too. Throws Error when the two differ in length or a segment has no reference.
ChrfScore corpus_chrf(std::span<const std::string> hypotheses, std::span<const std::vector<std::string>> references,
                      int word_order = 0);

}  // namespace podium
