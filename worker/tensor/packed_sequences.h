// Token sequences of different lengths, one behind the other without padding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace podium {

struct PackedSequences {
  std::vector<int32_t> tokens;
  std::vector<int32_t> begin;     // per sequence, its first index in tokens
  std::vector<int32_t> length;    // per sequence
  std::vector<int32_t> position;  // per token, its index in its sequence

  int64_t rows() const { return static_cast<int64_t>(tokens.size()); }
  int64_t count() const { return static_cast<int64_t>(length.size()); }
  void clear() {
    tokens.clear();
    begin.clear();
    length.clear();
    position.clear();
  }
  void append(std::span<const int32_t> sequence) {
    begin.push_back(static_cast<int32_t>(tokens.size()));
    length.push_back(static_cast<int32_t>(sequence.size()));
    for (size_t i = 0; i < sequence.size(); ++i) {
      tokens.push_back(sequence[i]);
      position.push_back(static_cast<int32_t>(i));
    }
  }
  std::span<const int32_t> sequence(int64_t i) const {
    return std::span(tokens).subspan(static_cast<size_t>(begin[i]), static_cast<size_t>(length[i]));
  }
};

// The examples of one shard, as models take them: what an encoder reads, what a decoder reads, and what should come
// out. Translation: target_input[i] is the decoder's start token and then the target; labels are the target and then
// end-of-sentence; both have the same rows. Language models have no source, classifiers no target_input.
struct Shard {
  PackedSequences source;
  PackedSequences target_input;
  std::vector<int32_t> labels;
};

}  // namespace podium
