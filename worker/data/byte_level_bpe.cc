#include "worker/data/byte_level_bpe.h"

#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <utility>

#include "worker/base/error.h"
#include "worker/data/byte_level_words.h"
#include "worker/data/utf8.h"

namespace podium {

// The ids of the first short words that came; text repeats them. Shared by all threads.
class ByteLevelBpe::WordCache {
 public:
  // Whether the word is here; then its ids are appended.
  bool append(std::string_view word, std::vector<int32_t>& ids) {
    const std::shared_lock lock(mutex_);
    const auto found = words_.find(word);
    if (found == words_.end()) return false;
    ids.insert(ids.end(), found->second.begin(), found->second.end());
    return true;
  }
  void keep(std::string_view word, const std::vector<int32_t>& ids) {
    if (word.size() > kWordBytes) return;
    const std::unique_lock lock(mutex_);
    if (words_.size() < kWords) words_.emplace(word, ids);
  }

 private:
  static constexpr size_t kWords = 1 << 16, kWordBytes = 64;
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::shared_mutex mutex_;
  std::unordered_map<std::string, std::vector<int32_t>, Hash, std::equal_to<>> words_;
};

ByteLevelBpe::~ByteLevelBpe() = default;
ByteLevelBpe::ByteLevelBpe(ByteLevelBpe&&) noexcept = default;
ByteLevelBpe& ByteLevelBpe::operator=(ByteLevelBpe&&) noexcept = default;

ByteLevelBpe::ByteLevelBpe(Content content, const std::string& name)
    : content_(std::move(content)),
      added_(content_.added),
      pairs_(content_.merges),
      cache_(std::make_unique<WordCache>()) {
  std::unordered_map<std::string_view, int32_t> characters;
  for (int32_t id = 0; id < size(); ++id) {
    const std::string& token = content_.tokens[static_cast<size_t>(id)];
    if (token.size() <= 2) characters.emplace(token, id);
    const bool is_special = added_.is_special(id);
    texts_.push_back(is_special ? std::string() : bytes_of(token).value_or(token));
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    const std::string& character = byte_characters()[byte];
    const auto found = characters.find(character);
    if (found == characters.end()) throw Error("{}: the byte 0x{:02X} has no token {}", name, byte, character);
    byte_ids_[byte] = found->second;
  }
}

std::vector<int32_t> ByteLevelBpe::encode(std::string_view text) const {
  const std::string well_formed = replace_malformed_utf8(text);
  std::vector<int32_t> ids;
  for (const auto& [stretch, id] : added_.split(well_formed)) {
    if (id) {
      ids.push_back(*id);
    } else {
      const std::string spaced =
          content_.add_prefix_space && stretch[0] != ' ' ? " " + std::string(stretch) : std::string(stretch);
      for (std::string_view word : byte_level_words(spaced)) encode_word(word, ids);
    }
  }
  return ids;
}

void ByteLevelBpe::encode_word(std::string_view word, std::vector<int32_t>& ids) const {
  if (cache_->append(word, ids)) return;
  std::vector<int32_t> symbols;
  symbols.reserve(word.size());
  for (char byte : word) symbols.push_back(byte_ids_[static_cast<unsigned char>(byte)]);
  pairs_.apply(symbols);
  cache_->keep(word, symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

std::string ByteLevelBpe::decode(std::span<const int32_t> ids) const {
  std::string bytes;
  for (int32_t id : ids) {
    PODIUM_CHECK(id >= 0 && id < size(), "token {} of {}", id, size());
    bytes += texts_[static_cast<size_t>(id)];
  }
  return replace_malformed_utf8(bytes);
}

}  // namespace podium
