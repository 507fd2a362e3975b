// Documents as one stream of tokens, cut into blocks: what a language model is trained on, without padding.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "worker/data/batch_plan.h"
#include "worker/data/text_tokenizer.h"
#include "worker/tensor/packed_sequences.h"

namespace podium {

// The stream begins with end-of-text, and each document ends with it, so that every token has one before it. A block
// reads `length` tokens and predicts the one behind each; blocks follow each other without a gap, across documents, and
// the last may be shorter. Nothing is dropped, and each token of each document is predicted once.
class TokenBlocks {
 public:
  TokenBlocks() = default;
  TokenBlocks(int64_t length, int32_t end_of_text) : length_(length), tokens_{end_of_text} {}

  // A document's tokens without end-of-text, which is added; `backward`: from its last token to its first.
  void append(std::vector<int32_t> document, bool backward);

  // Blocks; of every one, what it reads and what it predicts.
  int64_t count() const { return (tokens() + length_ - 1) / length_; }
  std::span<const int32_t> input(int64_t block) const;
  std::span<const int32_t> labels(int64_t block) const;
  std::vector<ExampleSize> sizes() const;
  // Tokens that are predicted.
  int64_t tokens() const { return static_cast<int64_t>(tokens_.size()) - 1; }

  // Puts the blocks into `shard`, whose memory is used again.
  void fill(std::span<const int32_t> blocks, Shard& shard) const;

 private:
  std::span<const int32_t> slice(int64_t block, int64_t shift) const;
  int64_t length_ = 1;
  std::vector<int32_t> tokens_{0};
};

// All documents, in their order.
TokenBlocks pack_documents(std::span<const std::string> documents, const TextTokenizer& tokenizer, int64_t length,
                           int32_t end_of_text, bool backward);

// The blocks in shards of about `tokens` each, in their order.
std::vector<Shard> shards_of(const TokenBlocks& blocks, int64_t tokens);

}  // namespace podium
