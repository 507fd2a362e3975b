#include "worker/data/tokenizer.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "worker/base/error.h"

namespace podium {
namespace {

constexpr const char* kEosPiece = "</s>";
constexpr const char* kUnknownPiece = "<unk>";
constexpr const char* kPadPiece = "<pad>";
const std::string kSpaceMark = "▁";
constexpr size_t kTextLimitBytes = 4192;

// The texts as the trainer reads them.
class TextIterator : public sentencepiece::SentenceIterator {
 public:
  explicit TextIterator(std::span<const std::string_view> texts) : texts_(texts) { load(); }
  bool done() const override { return next_ == texts_.size(); }
  void Next() override {
    ++next_;
    load();
  }
  const std::string& value() const override { return value_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  void load() {
    if (!done()) value_ = texts_[next_].size() > kTextLimitBytes ? std::string_view() : texts_[next_];
  }
  std::span<const std::string_view> texts_;
  size_t next_ = 0;
  std::string value_;
};

// The first number behind `marker`, 0 if there is none.
int64_t number_behind(const std::string& text, std::string_view marker) {
  const size_t at = text.find(marker);
  int64_t number = 0;
  for (size_t i = at + marker.size(); at != std::string::npos && i < text.size() && std::isdigit(text[i]); ++i)
    number = number * 10 + (text[i] - '0');
  return number;
}

// SentencePiece's two complaints about the size, in our terms: our size counts <pad> too.
[[noreturn]] void throw_training_error(const std::string& message, const TokenizerOptions& options) {
  if (const int64_t largest = number_behind(message, "Please set it to a value <= "); largest > 0)
    throw VocabularyTooLarge(options.size, largest + 1);
  if (const int64_t needed = number_behind(message, "required_chars. " + std::to_string(options.size - 1) + " vs ");
      needed > 0)
    throw BadData(
        "vocabulary.size: {} is too small, the characters of this text alone need {}; raise it, or lower "
        "vocabulary.character_coverage",
        options.size, needed + 2);
  throw Error("training the vocabulary failed: {}", message);
}

}  // namespace

std::string Tokenizer::train(std::span<const std::string_view> texts, const TokenizerOptions& options) {
  auto is_usable = [](std::string_view text) { return !text.empty() && text.size() <= kTextLimitBytes; };
  if (std::none_of(texts.begin(), texts.end(), is_usable)) throw Error("there is no text to train a vocabulary on");
  // One thread: the sums of the expectation step would otherwise depend on how sentences fall to threads.
  const std::unordered_map<std::string, std::string> arguments{
      {"model_type", options.kind == TokenizerOptions::Kind::kBpe ? "bpe" : "unigram"},
      {"vocab_size", std::to_string(options.size - 1)},
      // By the global locale, because SentencePiece reads it so.
      {"character_coverage", fmt::format("{:L}", options.character_coverage)},
      {"max_sentence_length", std::to_string(kTextLimitBytes)},
      {"num_threads", "1"},
      {"eos_id", std::to_string(kEosId)},
      {"unk_id", std::to_string(kUnknownId)},
      {"bos_id", "-1"},
      {"pad_id", "-1"},
      {"eos_piece", kEosPiece},
      {"unk_piece", kUnknownPiece},
      {"minloglevel", "2"},
  };
  TextIterator iterator(texts);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(arguments, &iterator, &model);
  if (!status.ok()) throw_training_error(status.message(), options);
  return model;
}

Tokenizer::Tokenizer(std::string model, const std::string& name)
    : model_(std::move(model)), processor_(std::make_unique<sentencepiece::SentencePieceProcessor>()) {
  const auto status = processor_->LoadFromSerializedProto(model_);
  if (!status.ok() || model_.empty()) throw Error("{}: is no SentencePiece model ({})", name, status.message());
  size_ = processor_->GetPieceSize() + 1;
  if (processor_->eos_id() != kEosId || processor_->unk_id() != kUnknownId || processor_->bos_id() >= 0 ||
      processor_->pad_id() >= 0)
    throw Error("{}: its ids are </s> {}, <unk> {}, <s> {}, <pad> {}; expected were 0, 1, none, none", name,
                processor_->eos_id(), processor_->unk_id(), processor_->bos_id(), processor_->pad_id());
  if (processor_->PieceToId(kPadPiece) != kUnknownId) throw Error("{}: it has a piece <pad> of its own", name);
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int> ids;
  const auto status = processor_->Encode(absl::string_view(text.data(), text.size()), &ids);
  if (!status.ok()) throw Error("a text cannot be tokenized: {}", status.message());
  return {ids.begin(), ids.end()};
}

std::vector<Tokenizer::Piece> Tokenizer::pieces(std::string_view text) const {
  const std::vector<int32_t> ids = encode(text);
  std::vector<std::string> texts;
  const auto status = processor_->Encode(absl::string_view(text.data(), text.size()), &texts);
  PODIUM_CHECK(status.ok() && texts.size() == ids.size(), "{} ids, {} pieces", ids.size(), texts.size());
  std::vector<Piece> pieces;
  for (size_t i = 0; i < ids.size(); ++i) pieces.push_back({ids[i], std::move(texts[i])});
  return pieces;
}

std::string Tokenizer::piece(int32_t id) const {
  PODIUM_CHECK(id >= 0 && id < size_, "token {} of {}", id, size_);
  if (id == kEosId || id == pad_id()) return "";
  return id == kUnknownId ? kSpaceMark + "⁇" + kSpaceMark : processor_->IdToPiece(id);
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::vector<int> kept;
  for (int32_t id : ids) {
    PODIUM_CHECK(id >= 0 && id < size_, "token {} of {}", id, size_);
    if (id != kEosId && id != pad_id()) kept.push_back(id);
  }
  std::string text;
  const auto status = processor_->Decode(kept, &text);
  PODIUM_CHECK(status.ok(), "{}", status.message());
  return text;
}

std::string Tokenizer::vocab_json() const {
  // Appended without a look-up, which would be linear for each piece.
  nlohmann::ordered_json vocabulary = nlohmann::ordered_json::object();
  auto& entries = vocabulary.get_ref<nlohmann::ordered_json::object_t&>();
  for (int32_t id = 0; id < pad_id(); ++id) entries.push_back({processor_->IdToPiece(id), id});
  entries.push_back({kPadPiece, pad_id()});
  return vocabulary.dump(2);
}

std::vector<TokenizerFile> Tokenizer::files() const {
  return {{"source.spm", model_}, {"target.spm", model_}, {"vocab.json", vocab_json()}};
}

}  // namespace podium
