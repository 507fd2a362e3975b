// Text to token ids and back: the one place that knows SentencePiece. Ids follow MarianMT: </s> 0, <unk> 1, then the
// pieces, and <pad> last.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/bad_data.h"
#include "worker/data/text_tokenizer.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace podium {

struct TokenizerOptions {
  enum class Kind : uint8_t { kUnigram, kBpe };
  int64_t size = 8000;  // all ids, the three special ones included
  Kind kind = Kind::kUnigram;
  double character_coverage = 1;  // share of the text's characters that get a piece; 0.9995 for Japanese or Chinese
};

// The texts do not have as many pieces as were asked for.
struct VocabularyTooLarge : BadData {
  VocabularyTooLarge(int64_t size, int64_t largest)
      : BadData("vocabulary.size: {} is too large for this text, the largest possible size is {}", size, largest),
        size(size),
        largest(largest) {}
  int64_t size, largest;
};

class Tokenizer : public TextTokenizer {
 public:
  static constexpr int32_t kEosId = 0;
  static constexpr int32_t kUnknownId = 1;

  // The bytes of a SentencePiece model (a .spm file), the same for the same texts and options on every machine. Texts
  // over 4192 bytes teach it nothing. Throws Error when there is no text, or when the size does not fit it
  // (VocabularyTooLarge where it is too large): then the message says what would.
  static std::string train(std::span<const std::string_view> texts, const TokenizerOptions& options);

  // Throws Error, naming `name`, when the bytes are no model or its special ids are not as above.
  explicit Tokenizer(std::string model, const std::string& name = "the tokenizer");
  ~Tokenizer() override;
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // Without end-of-sentence. Never gives a special id but kUnknownId, whatever the text says. Safe from many threads.
  std::vector<int32_t> encode(std::string_view text) const override;

  // The same ids, each with its text; "▁" (U+2581) stands for a space, also before the first word. An unknown one's
  // text is what stands in the normalised (NFKC) text.
  struct Piece {
    int32_t id;
    std::string text;
  };
  std::vector<Piece> pieces(std::string_view text) const;
  // The text that decode() makes of one id, with "▁" for spaces; empty for </s> and padding.
  std::string piece(int32_t id) const;

  // Leaves out special ids but kUnknownId, which becomes " ⁇ ".
  std::string decode(std::span<const int32_t> ids) const override;

  int32_t size() const override { return size_; }
  int32_t pad_id() const { return size_ - 1; }
  SpecialIds special_ids() const override { return {.eos = kEosId, .unknown = kUnknownId, .pad = pad_id()}; }
  const std::string& model() const { return model_; }

  // The content of MarianMT's vocab.json: {"</s>":0,"<unk>":1,…,"<pad>":size-1}.
  std::string vocab_json() const;
  // MarianMT's for a vocabulary that both sides share, without tokenizer_config.json, which names languages.
  std::vector<TokenizerFile> files() const override;

 private:
  std::string model_;
  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  int32_t size_ = 0;
};

}  // namespace podium
