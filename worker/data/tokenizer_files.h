// The files of a Hugging Face tokenizer that all kinds share: tokenizer_config.json (with special_tokens_map.json), the
// added tokens, and tokenizer.json. What would change ids and is not computed here is refused by name.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "worker/base/file.h"
#include "worker/data/added_tokens.h"
#include "worker/data/text_tokenizer.h"

namespace podium {

constexpr uint64_t kTokenizerFileLimitBytes = uint64_t{1} << 27;
constexpr int64_t kVocabularyLimit = 4'000'000;

// Tokens by id and ids by token.
class Vocabulary {
 public:
  // Throws Error beginning with `what` when the token is empty, is there already, or is one too many.
  int32_t add(std::string token, const std::string& what);
  std::optional<int32_t> find(std::string_view token) const;
  const std::vector<std::string>& tokens() const { return tokens_; }
  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }

 private:
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, int32_t> ids_;
};

// Of {"token": id, …}. Throws Error, naming the token, when the ids are not 0 to size - 1, each once.
Vocabulary vocabulary_from_json(const nlohmann::json& json, const std::string& what);

// Throws Error unless the members of `object` are among `known`, so that nothing is silently left undone.
void check_members(const nlohmann::json& object, std::initializer_list<std::string_view> known,
                   const std::string& what);
// Throws Error unless the member `key` is absent, null, or one of `allowed`.
void check_member(const nlohmann::json& object, const char* key, std::initializer_list<nlohmann::json> allowed,
                  const std::string& what);

// What tokenizer.json puts around a text: throws Error unless "post_processor" is absent or of one of `types`, and a
// template of it is `order` ("token text token"). Templates of pairs are not looked at.
void check_post_processor(const nlohmann::json& tokenizer, std::initializer_list<nlohmann::json> types,
                          std::string_view order, const std::string& what);

// What a kind of tokenizer calls its special tokens when the files do not, in transformers' order.
struct SpecialTokenNames {
  const char *bos = nullptr, *eos = nullptr, *unknown = nullptr, *sep = nullptr, *pad = nullptr, *cls = nullptr,
             *mask = nullptr;
};

class TokenizerFolder {
 public:
  // Reads tokenizer_config.json, special_tokens_map.json and tokenizer.json where they are in `folder`. Throws Error
  // naming the file when one is too large, no JSON, or of a class that is not in `classes`.
  TokenizerFolder(const fs::path& folder, std::initializer_list<std::string_view> classes);

  const fs::path& path() const { return folder_; }
  // tokenizer_config.json, an empty object where there is none.
  const nlohmann::json& config() const { return config_; }
  std::string config_name() const { return (folder_ / "tokenizer_config.json").string(); }
  // tokenizer.json, null where there is none.
  const nlohmann::json& tokenizer() const { return tokenizer_; }
  std::string tokenizer_name() const { return (folder_ / "tokenizer.json").string(); }
  // A member of config() that is true, false or absent (or null).
  std::optional<bool> flag(const char* key) const;

  // The tokens that tokenizer.json and tokenizer_config.json add, and the special ones, as transformers does: what the
  // vocabulary does not have gets the next id. Fills `special`.
  std::vector<AddedToken> add_tokens(Vocabulary& vocabulary, const SpecialTokenNames& names, SpecialIds& special) const;

 private:
  std::optional<AddedToken> special_token(const char* key, const char* otherwise) const;

  fs::path folder_;
  nlohmann::json config_ = nlohmann::json::object(), special_map_ = nlohmann::json::object(), tokenizer_;
};

// The members of tokenizer_config.json that name special and added tokens.
nlohmann::ordered_json tokens_config(const std::vector<AddedToken>& added, const std::vector<std::string>& tokens,
                                     const SpecialIds& special);

}  // namespace podium
