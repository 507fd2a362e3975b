// What a task needs of a tokenizer, whichever kind the checkpoint's is: text to token ids and back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

// The ids with a meaning of their own, where the vocabulary has them.
struct SpecialIds {
  std::optional<int32_t> bos{}, eos{}, unknown{}, pad{}, cls{}, sep{}, mask{};
  bool operator==(const SpecialIds&) const = default;
};

// A file of a snapshot's folder.
struct TokenizerFile {
  std::string name, content;
};

class TextTokenizer {
 public:
  virtual ~TextTokenizer() = default;

  // The ids of a text, no special id added at its ends. Safe from many threads.
  virtual std::vector<int32_t> encode(std::string_view text) const = 0;
  // The text of ids, all of them below size(); special ids are left out.
  virtual std::string decode(std::span<const int32_t> ids) const = 0;
  // All ids are below it.
  virtual int32_t size() const = 0;
  virtual SpecialIds special_ids() const = 0;
  // The files from which transformers, and open_tokenizer, make the same tokenizer again.
  virtual std::vector<TokenizerFile> files() const = 0;

 protected:
  TextTokenizer() = default;
  TextTokenizer(const TextTokenizer&) = default;
  TextTokenizer(TextTokenizer&&) = default;
  TextTokenizer& operator=(const TextTokenizer&) = default;
  TextTokenizer& operator=(TextTokenizer&&) = default;
};

}  // namespace podium
