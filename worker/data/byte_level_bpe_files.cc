// The files of a ByteLevelBpe.
#include <initializer_list>
#include <utility>

#include "worker/base/error.h"
#include "worker/data/byte_level_bpe.h"
#include "worker/data/tokenizer_files.h"
#include "worker/json/strict_json.h"

namespace podium {
namespace {

using nlohmann::json;

// Adds the merge of two tokens; a pair that is there already is an Error.
class MergeReader {
 public:
  explicit MergeReader(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  void add(std::string_view left, std::string_view right, const std::string& what) {
    const BytePairs::Merge merge{id(left, what), id(right, what), id(std::string(left) + std::string(right), what)};
    if (!seen_.emplace(std::string(left) + ' ' + std::string(right), 0).second)
      throw Error("{}: the merge of {} and {} is there twice", what, left, right);
    merges_.push_back(merge);
  }
  // Of "left right".
  void add_line(std::string_view line, const std::string& what) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
      throw Error("{}: two tokens with a space between them were expected", what);
    add(line.substr(0, space), line.substr(space + 1), what);
  }
  std::vector<BytePairs::Merge> take() { return std::move(merges_); }

 private:
  int32_t id(std::string_view token, const std::string& what) const {
    const auto found = vocabulary_.find(token);
    if (!found) throw Error("{}: the vocabulary has no token \"{}\"", what, token);
    return *found;
  }
  const Vocabulary& vocabulary_;
  std::vector<BytePairs::Merge> merges_;
  std::unordered_map<std::string, int> seen_;
};

std::vector<BytePairs::Merge> read_merges_text(const fs::path& path, const Vocabulary& vocabulary) {
  const std::string text = read_file(path, kTokenizerFileLimitBytes);
  MergeReader reader(vocabulary);
  std::string_view rest = text;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.starts_with("#version")) reader.add_line(line, fmt::format("{}:{}", path.string(), number));
  }
  return reader.take();
}

std::vector<BytePairs::Merge> read_merges_json(const json& merges, const Vocabulary& vocabulary,
                                               const std::string& what) {
  MergeReader reader(vocabulary);
  for (size_t i = 0; i < merges.size(); ++i) {
    const json& merge = merges[i];
    const std::string which = fmt::format("{}: model.merges[{}]", what, i);
    if (merge.is_string())
      reader.add_line(merge.get_ref<const std::string&>(), which);
    else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
      reader.add(merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>(), which);
    else
      throw Error("{}: two tokens were expected", which);
  }
  return reader.take();
}

// Throws Error where tokenizer.json asks for more than GPT-2's tokenizer does.
void check_tokenizer_json(const json& file, const std::string& what) {
  check_members(file,
                {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                 "decoder", "model"},
                what);
  check_member(file, "normalizer", {nullptr}, what);
  const json& words = json_object(file, "pre_tokenizer", what);
  check_members(words, {"type", "add_prefix_space", "trim_offsets", "use_regex"}, what + ": pre_tokenizer");
  if (json_string(words, "type", what + ": pre_tokenizer") != "ByteLevel")
    throw Error("{}: pre_tokenizer: \"type\" is {}, ByteLevel was expected", what, words["type"].dump());
  check_member(words, "use_regex", {true}, what + ": pre_tokenizer");
  check_member(json_object(file, "decoder", what), "type", {"ByteLevel"}, what + ": decoder");
  check_post_processor(file, {"ByteLevel", "TemplateProcessing"}, "text", what);
  const json& model = json_object(file, "model", what);
  const std::string where = what + ": model";
  // unk_token and fuse_unk have no effect: every byte has a token.
  check_members(model,
                {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                 "byte_fallback", "ignore_merges", "vocab", "merges"},
                where);
  check_member(model, "type", {"BPE"}, where);
  check_member(model, "dropout", {nullptr}, where);
  check_member(model, "continuing_subword_prefix", {""}, where);
  check_member(model, "end_of_word_suffix", {""}, where);
  check_member(model, "byte_fallback", {false}, where);
  check_member(model, "ignore_merges", {false}, where);
}

}  // namespace

ByteLevelBpe ByteLevelBpe::read(const fs::path& path) {
  const TokenizerFolder folder(path,
                               {"GPT2Tokenizer", "GPT2TokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend"});
  Content content;
  Vocabulary vocabulary;
  std::optional<bool> spaced;
  if (const json& file = folder.tokenizer(); !file.is_null()) {
    const std::string what = folder.tokenizer_name();
    check_tokenizer_json(file, what);
    vocabulary = vocabulary_from_json(json_object(file["model"], "vocab", what + ": model"), what + ": model.vocab");
    content.merges = read_merges_json(json_array(file["model"], "merges", what + ": model"), vocabulary, what);
    if (json_has(file["pre_tokenizer"], "add_prefix_space"))
      spaced = json_boolean(file["pre_tokenizer"], "add_prefix_space", what + ": pre_tokenizer");
  } else {
    const std::string what = (path / "vocab.json").string();
    vocabulary =
        vocabulary_from_json(parse_strict_json(read_file(path / "vocab.json", kTokenizerFileLimitBytes), what), what);
    content.merges = read_merges_text(path / "merges.txt", vocabulary);
  }
  for (const char* key : {"add_bos_token", "add_eos_token", "split_special_tokens"})
    check_member(folder.config(), key, {false}, folder.config_name());
  check_member(folder.config(), "errors", {"replace"}, folder.config_name());
  // Where both speak, tokenizer_config.json is right, as for transformers.
  content.add_prefix_space = folder.flag("add_prefix_space").value_or(spaced.value_or(false));
  constexpr const char* kEnd = "<|endoftext|>";
  content.added = folder.add_tokens(vocabulary, {.bos = kEnd, .eos = kEnd, .unknown = kEnd}, content.special);
  content.tokens = vocabulary.tokens();
  return ByteLevelBpe(std::move(content), path.string());
}

std::vector<TokenizerFile> ByteLevelBpe::files() const {
  // Appended without a look-up, which would be linear for each token.
  nlohmann::ordered_json vocabulary = nlohmann::ordered_json::object();
  auto& entries = vocabulary.get_ref<nlohmann::ordered_json::object_t&>();
  for (int32_t id = 0; id < size(); ++id) entries.push_back({content_.tokens[static_cast<size_t>(id)], id});
  std::string merges = "#version: 0.2\n";
  for (const BytePairs::Merge& merge : content_.merges)
    merges += content_.tokens[static_cast<size_t>(merge.left)] + " " +
              content_.tokens[static_cast<size_t>(merge.right)] + "\n";
  nlohmann::ordered_json config = tokens_config(content_.added, content_.tokens, content_.special);
  config["add_prefix_space"] = content_.add_prefix_space;
  config["errors"] = "replace";
  config["tokenizer_class"] = "GPT2Tokenizer";
  return {{"vocab.json", vocabulary.dump()}, {"merges.txt", merges}, {"tokenizer_config.json", config.dump(2)}};
}

}  // namespace podium
