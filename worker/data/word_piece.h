// BERT's WordPiece: each word as the longest pieces of the vocabulary, from its beginning on (Wu et al. 2016, Devlin et
// al. 2019). The ids are those of transformers' BertTokenizer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "worker/base/file.h"
#include "worker/data/added_tokens.h"
#include "worker/data/bert_words.h"
#include "worker/data/text_tokenizer.h"

namespace podium {

class WordPiece : public TextTokenizer {
 public:
  struct Content {
    std::vector<std::string> tokens;  // by id; a piece within a word begins with ##
    std::vector<AddedToken> added;
    SpecialIds special;  // with unknown
    BertTextOptions text;
    bool clean_up = false;  // decode() takes out spaces before punctuation and short forms, across tokens too
  };
  explicit WordPiece(Content content);
  // The map of pieces looks into the content's tokens.
  WordPiece(const WordPiece&) = delete;
  WordPiece& operator=(const WordPiece&) = delete;
  WordPiece(WordPiece&&) = default;
  WordPiece& operator=(WordPiece&&) = default;

  // From a checkpoint's folder: tokenizer.json, else vocab.txt, with tokenizer_config.json where there is one. Throws
  // Error naming file and line or key when one is missing, damaged, or says what is not computed here.
  static WordPiece read(const fs::path& folder);

  // Without [CLS] and [SEP], unless the text says so: an added token in the text gives its id. Malformed UTF-8 is left
  // out. A word of over 100 characters, or without pieces, is [UNK].
  std::vector<int32_t> encode(std::string_view text) const override;
  // [UNK] is left out too, as with transformers' skip_special_tokens.
  std::string decode(std::span<const int32_t> ids) const override;
  int32_t size() const override { return static_cast<int32_t>(content_.tokens.size()); }
  SpecialIds special_ids() const override { return content_.special; }
  // vocab.txt and tokenizer_config.json.
  std::vector<TokenizerFile> files() const override;

  const Content& content() const { return content_; }

 private:
  void encode_word(std::u32string_view word, std::vector<int32_t>& ids) const;

  Content content_;
  AddedTokens added_;
  std::unordered_map<std::string_view, int32_t> ids_;
};

}  // namespace podium
