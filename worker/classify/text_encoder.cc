#include "worker/classify/text_encoder.h"

#include <algorithm>

#include "worker/base/error.h"

namespace podium {

TextEncoder::TextEncoder(std::shared_ptr<const TextTokenizer> tokenizer, TextFrame frame, int64_t maximum_tokens)
    : tokenizer_(std::move(tokenizer)), frame_(frame), maximum_tokens_(static_cast<size_t>(maximum_tokens)) {
  const SpecialIds ids = tokenizer_->special_ids();
  const bool framed = frame == TextFrame::kFramed;
  if (framed) {
    begin_ = ids.cls ? ids.cls : ids.eos;
    end_ = ids.sep ? ids.sep : ids.eos;
    if (!begin_ || !end_) throw Error("the tokenizer has neither [CLS] and [SEP] nor an end of text");
  } else {
    if (!ids.eos) throw Error("the tokenizer has no end of text, which stands for a text without tokens");
    end_of_text_ = *ids.eos;
  }
  PODIUM_CHECK(maximum_tokens_ > (framed ? 2u : 0u), "at most {} tokens", maximum_tokens);
}

EncodedText TextEncoder::operator()(std::string_view text) const {
  std::vector<int32_t> tokens = tokenizer_->encode(text);
  EncodedText encoded;
  const size_t room = maximum_tokens_ - (begin_ ? 2 : 0);
  encoded.cut = tokens.size() > room;
  if (encoded.cut) tokens.resize(room);
  if (frame_ == TextFrame::kBackward) std::reverse(tokens.begin(), tokens.end());
  if (begin_) {
    tokens.insert(tokens.begin(), *begin_);
    tokens.push_back(*end_);
  } else if (tokens.empty()) {
    tokens.push_back(end_of_text_);
  }
  encoded.tokens = std::move(tokens);
  return encoded;
}

}  // namespace podium
