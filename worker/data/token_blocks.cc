#include "worker/data/token_blocks.h"

#include <algorithm>

namespace podium {

void TokenBlocks::append(std::vector<int32_t> document, bool backward) {
  if (backward) std::reverse(document.begin(), document.end());
  tokens_.insert(tokens_.end(), document.begin(), document.end());
  tokens_.push_back(tokens_.front());
}

std::span<const int32_t> TokenBlocks::slice(int64_t block, int64_t shift) const {
  const int64_t begin = block * length_, size = std::min(length_, tokens() - begin);
  return std::span(tokens_).subspan(static_cast<size_t>(begin + shift), static_cast<size_t>(size));
}

std::span<const int32_t> TokenBlocks::input(int64_t block) const { return slice(block, 0); }
std::span<const int32_t> TokenBlocks::labels(int64_t block) const { return slice(block, 1); }

std::vector<ExampleSize> TokenBlocks::sizes() const {
  std::vector<ExampleSize> sizes;
  for (int64_t i = 0; i < count(); ++i) sizes.push_back({0, static_cast<int32_t>(input(i).size())});
  return sizes;
}

void TokenBlocks::fill(std::span<const int32_t> blocks, Shard& shard) const {
  shard.source.clear();
  shard.target_input.clear();
  shard.labels.clear();
  for (int32_t block : blocks) {
    shard.target_input.append(input(block));
    const std::span<const int32_t> behind = labels(block);
    shard.labels.insert(shard.labels.end(), behind.begin(), behind.end());
  }
}

TokenBlocks pack_documents(std::span<const std::string> documents, const TextTokenizer& tokenizer, int64_t length,
                           int32_t end_of_text, bool backward) {
  TokenBlocks blocks(length, end_of_text);
  for (const std::string& document : documents) blocks.append(tokenizer.encode(document), backward);
  return blocks;
}

std::vector<Shard> shards_of(const TokenBlocks& blocks, int64_t tokens) {
  std::vector<Shard> shards;
  std::vector<int32_t> chosen;
  int64_t size = 0;
  auto end_shard = [&] {
    if (chosen.empty()) return;
    blocks.fill(chosen, shards.emplace_back());
    chosen.clear();
    size = 0;
  };
  for (int64_t i = 0; i < blocks.count(); ++i) {
    chosen.push_back(static_cast<int32_t>(i));
    size += std::ssize(blocks.input(i));
    if (size >= tokens) end_shard();
  }
  end_shard();
  return shards;
}

}  // namespace podium
