// Tokens that are found in a text before anything else is done to it: <|endoftext|>, [SEP]. As the AddedVocabulary of
// Hugging Face's tokenizers does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool special = true;      // left out when ids become text
  bool normalized = false;  // looked for in the normalised text, after the others
};

class AddedTokens {
 public:
  AddedTokens() = default;
  // None is empty, none is there twice.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  // The text in stretches, none empty: of an added token (the leftmost, of those the longest) with its id, or of the
  // text between. Normalised tokens are looked for in what the others leave.
  struct Stretch {
    std::string_view text;
    std::optional<int32_t> id;
  };
  std::vector<Stretch> split(std::string_view text) const;

  const std::vector<AddedToken>& tokens() const { return tokens_; }
  // Null if there is none.
  const AddedToken* find(int32_t id) const;
  const AddedToken* find(std::string_view content) const;
  bool is_special(int32_t id) const;

 private:
  void split(std::string_view text, bool normalized, std::vector<Stretch>& stretches) const;
  const AddedToken* at_front(std::string_view text, bool normalized) const;
  std::vector<AddedToken> tokens_;  // by first byte, the longest first
};

}  // namespace podium
