// A translation as tokens.
#pragma once

#include <cstdint>
#include <vector>

namespace podium {

struct Hypothesis {
  std::vector<int32_t> tokens;  // without end-of-sentence
  // The sum of the tokens' log-probabilities, with that of end-of-sentence, divided by their number ^ length_penalty.
  double score = 0;
};

}  // namespace podium
