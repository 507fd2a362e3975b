// GPT-2's byte-level byte pair encoding: any text has ids, and ids give its bytes back. The ids are those of
// transformers' GPT2Tokenizer.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/base/file.h"
#include "worker/data/added_tokens.h"
#include "worker/data/byte_pairs.h"
#include "worker/data/text_tokenizer.h"

namespace podium {

class ByteLevelBpe : public TextTokenizer {
 public:
  struct Content {
    std::vector<std::string> tokens;  // by id, in byte_characters(); those of `added` as they are
    std::vector<BytePairs::Merge> merges;
    std::vector<AddedToken> added;
    SpecialIds special;
    bool add_prefix_space = false;  // a text, and what follows an added token, begins with a space
  };
  // Throws Error, naming `name`, when a byte has no token: its text would be lost.
  explicit ByteLevelBpe(Content content, const std::string& name = "the tokenizer");
  ~ByteLevelBpe() override;
  ByteLevelBpe(ByteLevelBpe&&) noexcept;
  ByteLevelBpe& operator=(ByteLevelBpe&&) noexcept;

  // From a checkpoint's folder: tokenizer.json, else vocab.json and merges.txt, with tokenizer_config.json where there
  // is one. Throws Error naming file and line or key when one is missing, damaged, or says what is not computed here.
  static ByteLevelBpe read(const fs::path& folder);

  // Malformed UTF-8 is read as U+FFFD. An added token in the text gives its id.
  std::vector<int32_t> encode(std::string_view text) const override;
  // Ids may end or begin within a character: U+FFFD stands for its bytes.
  std::string decode(std::span<const int32_t> ids) const override;
  int32_t size() const override { return static_cast<int32_t>(content_.tokens.size()); }
  SpecialIds special_ids() const override { return content_.special; }
  // vocab.json, merges.txt and tokenizer_config.json.
  std::vector<TokenizerFile> files() const override;

  const Content& content() const { return content_; }

 private:
  class WordCache;
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const;

  Content content_;
  AddedTokens added_;
  BytePairs pairs_;
  std::array<int32_t, 256> byte_ids_{};
  std::vector<std::string> texts_;  // what decode() makes of each id
  std::unique_ptr<WordCache> cache_;
};

}  // namespace podium
