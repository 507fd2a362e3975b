// A corpus part as token ids, in a few flat arrays.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "worker/data/batch_plan.h"
#include "worker/data/line_report.h"
#include "worker/data/sentence_pair.h"
#include "worker/data/tokenizer.h"

namespace podium {

// Both sides end with end-of-sentence; the decoder's start token is not stored.
class TokenizedPairs {
 public:
  int64_t count() const { return static_cast<int64_t>(source_begin_.size()) - 1; }
  std::span<const int32_t> source(int64_t i) const { return slice(source_tokens_, source_begin_, i); }
  std::span<const int32_t> target(int64_t i) const { return slice(target_tokens_, target_begin_, i); }
  int64_t source_length(int64_t i) const { return source_begin_[i + 1] - source_begin_[i]; }
  int64_t target_length(int64_t i) const { return target_begin_[i + 1] - target_begin_[i]; }
  // Of every pair.
  const std::vector<ExampleSize>& sizes() const { return sizes_; }
  int64_t source_tokens() const { return source_begin_.back(); }
  int64_t target_tokens() const { return target_begin_.back(); }

  // Without end-of-sentence, which is added.
  void append(std::span<const int32_t> source, std::span<const int32_t> target);

 private:
  static std::span<const int32_t> slice(const std::vector<int32_t>& tokens, const std::vector<int64_t>& begin,
                                        int64_t i) {
    return std::span(tokens).subspan(static_cast<size_t>(begin[i]), static_cast<size_t>(begin[i + 1] - begin[i]));
  }

  std::vector<int32_t> source_tokens_, target_tokens_;
  std::vector<int64_t> source_begin_{0}, target_begin_{0};
  std::vector<ExampleSize> sizes_;
};

// Pairs with a side over `max_tokens` (end-of-sentence included), or without any token, are left out and counted in
// `report` under `file`. The report's number of lines is left as it is: reading has counted them.
TokenizedPairs tokenize_pairs(const std::vector<SentencePair>& pairs, const Tokenizer& source, const Tokenizer& target,
                              int64_t max_tokens, const std::string& file, LineReport& report);

}  // namespace podium
