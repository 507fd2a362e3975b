// A sentence with its translation, and the rule that keeps what is trained on out of what is measured on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace podium {

struct SentencePair {
  std::string source;
  std::string target;
  int64_t line = 0;  // in its file, from 1; 0 when it has none
};

// Drops from `held_out` each pair whose source or whose target, as it is, occurs in `train`. Returns how many.
int64_t drop_leaks(const std::vector<SentencePair>& train, std::vector<SentencePair>& held_out);

}  // namespace podium
