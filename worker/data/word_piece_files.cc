// The files of a WordPiece.
#include <algorithm>
#include <utility>

#include "worker/base/error.h"
#include "worker/data/tokenizer_files.h"
#include "worker/data/unicode.h"
#include "worker/data/utf8.h"
#include "worker/data/word_piece.h"
#include "worker/json/strict_json.h"

namespace podium {
namespace {

using nlohmann::json;

// Without white space at the end, as the original reads lines.
std::string_view trim_end(std::string_view line) {
  size_t end = 0;
  for (std::string_view rest = line; !rest.empty();) {
    const bool is_space = is_unicode_space(take_code_point(rest));
    if (!is_space) end = line.size() - rest.size();
  }
  return line.substr(0, end);
}

Vocabulary read_vocabulary_text(const fs::path& path) {
  const std::string text = read_file(path, kTokenizerFileLimitBytes);
  Vocabulary vocabulary;
  std::string_view rest = text;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::string what = fmt::format("{}:{}", path.string(), number);
    if (!is_valid_utf8(line)) throw Error("{}: is not UTF-8", what);
    vocabulary.add(std::string(trim_end(line)), what);
  }
  return vocabulary;
}

// Throws Error where tokenizer.json asks for other than BERT's tokenizer does.
void check_tokenizer_json(const json& file, const std::string& what) {
  check_members(file,
                {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                 "decoder", "model"},
                what);
  const json& text = json_object(file, "normalizer", what);
  check_members(text, {"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"},
                what + ": normalizer");
  if (json_string(text, "type", what + ": normalizer") != "BertNormalizer")
    throw Error("{}: normalizer: \"type\" is {}, BertNormalizer was expected", what, text["type"].dump());
  check_member(text, "clean_text", {true}, what + ": normalizer");
  const json& words = json_object(file, "pre_tokenizer", what);
  check_members(words, {"type"}, what + ": pre_tokenizer");
  check_member(words, "type", {"BertPreTokenizer"}, what + ": pre_tokenizer");
  check_post_processor(file, {"TemplateProcessing", "BertProcessing"}, "token text token", what);
  const json& decoder = json_object(file, "decoder", what);
  check_member(decoder, "type", {"WordPiece"}, what + ": decoder");
  check_member(decoder, "prefix", {"##"}, what + ": decoder");
  check_member(decoder, "cleanup", {true}, what + ": decoder");
  const json& model = json_object(file, "model", what);
  check_members(model, {"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"},
                what + ": model");
  check_member(model, "type", {"WordPiece"}, what + ": model");
  check_member(model, "continuing_subword_prefix", {"##"}, what + ": model");
  check_member(model, "max_input_chars_per_word", {100}, what + ": model");
}

// tokenizer.json's normalizer, where there is one; tokenizer_config.json is right where both speak, as for
// transformers.
BertTextOptions read_text_options(const TokenizerFolder& folder) {
  const json empty = json::object();
  const json& normalizer = folder.tokenizer().is_null() ? empty : folder.tokenizer().at("normalizer");
  auto flag = [&](const char* config_key, const char* key) {
    const auto stated = folder.flag(config_key);
    if (stated || !json_has(normalizer, key)) return stated;
    return std::optional(json_boolean(normalizer, key, folder.tokenizer_name() + ": normalizer"));
  };
  BertTextOptions options;
  options.lower_case = flag("do_lower_case", "lowercase").value_or(true);
  options.strip_accents = flag("strip_accents", "strip_accents");
  options.split_chinese = flag("tokenize_chinese_chars", "handle_chinese_chars").value_or(true);
  return options;
}

}  // namespace

WordPiece WordPiece::read(const fs::path& path) {
  const TokenizerFolder folder(path,
                               {"BertTokenizer", "BertTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend"});
  Vocabulary vocabulary;
  std::string what = (path / "vocab.txt").string();
  const json& file = folder.tokenizer();
  if (!file.is_null()) {
    what = folder.tokenizer_name();
    check_tokenizer_json(file, what);
    vocabulary = vocabulary_from_json(json_object(file["model"], "vocab", what + ": model"), what + ": model.vocab");
  } else {
    vocabulary = read_vocabulary_text(path / "vocab.txt");
  }
  check_member(folder.config(), "do_basic_tokenize", {true}, folder.config_name());
  check_member(folder.config(), "never_split", {nullptr, json::array()}, folder.config_name());
  check_member(folder.config(), "split_special_tokens", {false}, folder.config_name());

  Content content;
  content.text = read_text_options(folder);
  content.clean_up = folder.flag("clean_up_tokenization_spaces").value_or(false);
  const int32_t pieces = vocabulary.size();
  content.added = folder.add_tokens(
      vocabulary, {.unknown = "[UNK]", .sep = "[SEP]", .pad = "[PAD]", .cls = "[CLS]", .mask = "[MASK]"},
      content.special);
  for (const AddedToken& token : content.added)
    if (token.normalized)
      throw Error("{}: the added token {}: \"normalized\" is true, false was expected",
                  file.is_null() ? folder.config_name() : what, token.content);
  if (!content.special.unknown || *content.special.unknown >= pieces)
    throw Error("{}: the vocabulary has no token for unknown words ([UNK])", what);
  content.tokens = vocabulary.tokens();
  if (!file.is_null() && json_has(file["model"], "unk_token"))
    check_member(file["model"], "unk_token", {content.tokens[static_cast<size_t>(*content.special.unknown)]},
                 what + ": model");
  return WordPiece(std::move(content));
}

std::vector<TokenizerFile> WordPiece::files() const {
  std::string vocabulary;
  for (const std::string& token : content_.tokens) vocabulary += token + "\n";
  nlohmann::ordered_json config = tokens_config(content_.added, content_.tokens, content_.special);
  config["clean_up_tokenization_spaces"] = content_.clean_up;
  config["do_lower_case"] = content_.text.lower_case;
  config["strip_accents"] = nullptr;
  if (content_.text.strip_accents) config["strip_accents"] = *content_.text.strip_accents;
  config["tokenize_chinese_chars"] = content_.text.split_chinese;
  config["tokenizer_class"] = "BertTokenizer";
  return {{"vocab.txt", vocabulary}, {"tokenizer_config.json", config.dump(2)}};
}

}  // namespace podium
