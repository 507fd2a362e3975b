// Learns the merges of a byte-level BPE vocabulary from texts.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "worker/data/byte_level_bpe.h"

namespace podium {

// A vocabulary of `size` ids: the 256 bytes in GPT-2's order, then a token for each merge, and <|endoftext|> last. Each
// merge is that of the pair of tokens that stands most often side by side within words; of pairs as frequent that of
// the lowest left id, then the lowest right id: what tokenizers' BpeTrainer does with min_frequency 2. The same for the
// same texts, on every machine. Words over 4096 bytes teach nothing. Throws Error when there is no text,
// VocabularyTooLarge when no pair is left that stands twice.
ByteLevelBpe train_byte_level_bpe(std::span<const std::string_view> texts, int64_t size);

}  // namespace podium
