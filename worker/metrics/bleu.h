// Corpus BLEU (Papineni et al., 2002), number for number as sacreBLEU computes it with its defaults: 13a tokens, case
// kept, exponential smoothing, four orders always.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace podium {

// The release of sacreBLEU whose numbers and text these are.
inline constexpr const char* kSacreBleuVersion = "2.6.0";

struct BleuScore {
  double score = 0;                       // 0 to 100
  std::array<double, 4> precisions = {};  // smoothed, in percent, for 1 to 4 words
  double brevity_penalty = 1;             // 0 to 1
  double ratio = 0;                       // hyp_len / ref_len, 0 when ref_len is 0
  int64_t hyp_len = 0;                    // tokens
  int64_t ref_len = 0;                    // tokens of the references nearest in length
  std::array<int64_t, 4> counts = {};     // n-grams that a reference has too
  std::array<int64_t, 4> totals = {};     // n-grams of the hypotheses
  int reference_count = 1;                // per segment; -1 when it varies

  // "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"
  std::string signature() const;
  // The line that `sacrebleu --format text --width decimals` prints: "BLEU|…signature… = 20.8 54.4/26.6/14.9/8.7 (BP =
  // …".
  std::string text(int decimals = 1) const;
};

// Scores hypotheses[i] against all strings of references[i]. Throws Error when the two differ in length or a segment
// has no reference.
BleuScore corpus_bleu(std::span<const std::string> hypotheses, std::span<const std::vector<std::string>> references);

}  // namespace podium
