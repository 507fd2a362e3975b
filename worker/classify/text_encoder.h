// A text as a classifier reads it: the tokens, with those before and behind that its body was trained with.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "worker/data/text_tokenizer.h"

namespace podium {

struct EncodedText {
  std::vector<int32_t> tokens;  // at least one
  bool cut = false;             // the text was longer than that
};

enum class TextFrame : uint8_t {
  kFramed,    // as BERT: [CLS] tokens [SEP], or of a vocabulary without these (SentencePiece's) </s> on both sides
  kPlain,     // as GPT-2: the tokens alone; of a text without any the end of text
  kBackward,  // the same from the last token to the first, as a language model that reads texts from their end
};

class TextEncoder {
 public:
  // At most maximum_tokens in all: what is cut off is the text's end. Throws Error when the vocabulary lacks what it
  // takes.
  TextEncoder(std::shared_ptr<const TextTokenizer> tokenizer, TextFrame frame, int64_t maximum_tokens);

  EncodedText operator()(std::string_view text) const;
  const TextTokenizer& tokenizer() const { return *tokenizer_; }

 private:
  std::shared_ptr<const TextTokenizer> tokenizer_;
  TextFrame frame_;
  std::optional<int32_t> begin_, end_;
  int32_t end_of_text_ = 0;
  size_t maximum_tokens_;
};

}  // namespace podium
