#include "worker/data/tokenizer_files.h"

#include <algorithm>
#include <utility>

#include "worker/base/error.h"
#include "worker/json/strict_json.h"

namespace podium {
namespace {

using nlohmann::json;

json read_json(const fs::path& path, json otherwise) {
  if (!fs::exists(path)) return otherwise;
  return parse_strict_json(read_file(path, kTokenizerFileLimitBytes), path.string());
}

std::string shown(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 80);
}

// An added token as both files write it. The flags that change where it is found are refused.
AddedToken read_added_token(const json& token, const std::string& what) {
  AddedToken result{json_string(token, "content", what)};
  const std::string which = what + ": " + shown(result.content);
  check_members(token, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special", "__type"}, which);
  for (const char* key : {"single_word", "lstrip", "rstrip"}) check_member(token, key, {false}, which);
  if (result.content.empty()) throw Error("{}: an added token is empty", what);
  result.special = json_has(token, "special") && json_boolean(token, "special", which);
  result.normalized = json_has(token, "normalized") && json_boolean(token, "normalized", which);
  return result;
}

struct SpecialToken {
  const char* key;
  const char* SpecialTokenNames::*name;
  std::optional<int32_t> SpecialIds::*id;
};
// In the order in which transformers adds those that are missing.
constexpr SpecialToken kSpecialTokens[] = {
    {"bos_token", &SpecialTokenNames::bos, &SpecialIds::bos},
    {"eos_token", &SpecialTokenNames::eos, &SpecialIds::eos},
    {"unk_token", &SpecialTokenNames::unknown, &SpecialIds::unknown},
    {"sep_token", &SpecialTokenNames::sep, &SpecialIds::sep},
    {"pad_token", &SpecialTokenNames::pad, &SpecialIds::pad},
    {"cls_token", &SpecialTokenNames::cls, &SpecialIds::cls},
    {"mask_token", &SpecialTokenNames::mask, &SpecialIds::mask},
};

// Adds `token`; `stated` is the id that a file gives it.
void add_token(std::vector<AddedToken>& added, Vocabulary& vocabulary, AddedToken token, std::optional<int64_t> stated,
               const std::string& what) {
  const auto known = vocabulary.find(token.content);
  token.id = known ? *known : vocabulary.add(token.content, what);
  if (stated && *stated != token.id)
    throw Error("{}: the added token {} has id {}, {} was expected", what, shown(token.content), *stated, token.id);
  auto same = [&](const AddedToken& other) { return other.id == token.id; };
  if (std::none_of(added.begin(), added.end(), same)) added.push_back(std::move(token));
}

}  // namespace

int32_t Vocabulary::add(std::string token, const std::string& what) {
  if (token.empty()) throw Error("{}: a token is empty", what);
  if (size() >= kVocabularyLimit) throw Error("{}: more than {} tokens", what, kVocabularyLimit);
  const auto [place, is_new] = ids_.emplace(token, size());
  if (!is_new) throw Error("{}: the token {} is there twice, as {} and {}", what, shown(token), place->second, size());
  tokens_.push_back(std::move(token));
  return size() - 1;
}

std::optional<int32_t> Vocabulary::find(std::string_view token) const {
  const auto found = ids_.find(std::string(token));
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

Vocabulary vocabulary_from_json(const json& object, const std::string& what) {
  if (!object.is_object()) throw Error("{}: is {}, an object was expected", what, object.type_name());
  const auto size = static_cast<int64_t>(object.size());
  if (size == 0 || size > kVocabularyLimit)
    throw Error("{}: has {} tokens, 1 to {} were expected", what, size, kVocabularyLimit);
  std::vector<const std::string*> by_id(object.size(), nullptr);
  for (const auto& [token, id] : object.items()) {
    if (!id.is_number_integer() || id.get<double>() < 0 || id.get<double>() >= static_cast<double>(size))
      throw Error("{}: the id of {} is {}, 0 to {} was expected: none is left out", what, shown(token), shown(id),
                  size - 1);
    const std::string*& place = by_id[id.get<size_t>()];
    if (place != nullptr) throw Error("{}: {} and {} both have id {}", what, shown(*place), shown(token), shown(id));
    place = &object.find(token).key();
  }
  Vocabulary vocabulary;
  for (const std::string* token : by_id) vocabulary.add(*token, what);
  return vocabulary;
}

void check_members(const json& object, std::initializer_list<std::string_view> known, const std::string& what) {
  if (!object.is_object()) throw Error("{}: is {}, an object was expected", what, object.type_name());
  for (const auto& [key, value] : object.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw Error("{}: {} is not supported", what, shown(key));
}

void check_member(const json& object, const char* key, std::initializer_list<json> allowed, const std::string& what) {
  if (!json_has(object, key)) return;
  const json& value = object.at(key);
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
    throw Error("{}: \"{}\" is {}, {} was expected", what, key, shown(value), shown(*allowed.begin()));
}

void check_post_processor(const json& tokenizer, std::initializer_list<json> types, std::string_view order,
                          const std::string& what) {
  if (!json_has(tokenizer, "post_processor")) return;
  const json& processor = json_object(tokenizer, "post_processor", what);
  const std::string where = what + ": post_processor";
  check_member(processor, "type", types, where);
  if (!json_has(processor, "single")) return;
  std::string found;
  for (const json& item : json_array(processor, "single", where)) {
    if (!found.empty()) found += ' ';
    found += json_has(item, "Sequence") ? "text" : "token";
  }
  if (found != order) throw Error("{}: \"single\" is {}, {} was expected", where, found, order);
}

TokenizerFolder::TokenizerFolder(const fs::path& folder, std::initializer_list<std::string_view> classes)
    : folder_(folder),
      config_(read_json(folder / "tokenizer_config.json", json::object())),
      special_map_(read_json(folder / "special_tokens_map.json", json::object())),
      tokenizer_(read_json(folder / "tokenizer.json", nullptr)) {
  if (fs::exists(folder / "added_tokens.json"))
    throw Error("{}: is not supported; tokenizer.json is", (folder / "added_tokens.json").string());
  if (!config_.is_object()) throw Error("{}: is {}, an object was expected", config_name(), config_.type_name());
  if (!json_has(config_, "tokenizer_class")) return;
  const std::string& name = json_string(config_, "tokenizer_class", config_name());
  if (std::find(classes.begin(), classes.end(), name) == classes.end())
    throw Error("{}: \"tokenizer_class\" is {}, {} was expected", config_name(), shown(name), shown(*classes.begin()));
}

std::optional<bool> TokenizerFolder::flag(const char* key) const {
  if (!json_has(config_, key)) return std::nullopt;
  return json_boolean(config_, key, config_name());
}

std::optional<AddedToken> TokenizerFolder::special_token(const char* key, const char* otherwise) const {
  for (const json* file : {&config_, &special_map_}) {
    if (!file->is_object() || !file->contains(key)) continue;
    const json& token = file->at(key);
    if (token.is_null()) return std::nullopt;
    const std::string what = file == &config_ ? config_name() : (folder_ / "special_tokens_map.json").string();
    if (token.is_object()) return read_added_token(token, what + ": " + key);
    return AddedToken{.content = json_string(*file, key, what)};
  }
  return otherwise == nullptr ? std::nullopt : std::optional(AddedToken{.content = otherwise});
}

std::vector<AddedToken> TokenizerFolder::add_tokens(Vocabulary& vocabulary, const SpecialTokenNames& names,
                                                    SpecialIds& special) const {
  std::vector<AddedToken> added;
  if (json_has(tokenizer_, "added_tokens")) {
    const std::string what = tokenizer_name() + ": added_tokens";
    for (const json& token : json_array(tokenizer_, "added_tokens", tokenizer_name()))
      add_token(added, vocabulary, read_added_token(token, what), json_integer(token, "id", 0, kVocabularyLimit, what),
                what);
  }
  if (json_has(config_, "added_tokens_decoder")) {
    const std::string what = config_name() + ": added_tokens_decoder";
    std::vector<std::pair<int64_t, const json*>> by_id;  // JSON sorts its keys as text
    for (const auto& [id, token] : json_object(config_, "added_tokens_decoder", config_name()).items()) {
      if (id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != std::string::npos)
        throw Error("{}: {} is no id", what, shown(id));
      by_id.emplace_back(std::stoll(id), &token);
    }
    std::sort(by_id.begin(), by_id.end());
    for (const auto& [id, token] : by_id) add_token(added, vocabulary, read_added_token(*token, what), id, what);
  }
  for (const auto& [key, name, id] : kSpecialTokens) {
    const auto named = special_token(key, names.*name);
    if (!named) continue;
    add_token(added, vocabulary, *named, std::nullopt, config_name());
    special.*id = vocabulary.find(named->content);
    // Where a file has added it as an ordinary one, transformers makes it special.
    for (AddedToken& token : added) token.special = token.special || token.id == *(special.*id);
  }
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    if (!json_has(config_, key) || config_.at(key).empty()) continue;
    for (const json& token : json_array(config_, key, config_name())) {
      if (!token.is_string()) throw Error("{}: \"{}\" has {}, a string was expected", config_name(), key, shown(token));
      add_token(added, vocabulary, {.content = token.get<std::string>()}, std::nullopt, config_name());
    }
  }
  return added;
}

nlohmann::ordered_json tokens_config(const std::vector<AddedToken>& added, const std::vector<std::string>& tokens,
                                     const SpecialIds& special) {
  nlohmann::ordered_json config = nlohmann::ordered_json::object();
  for (const auto& [key, name, id] : kSpecialTokens)
    config[key] = special.*id ? nlohmann::ordered_json(tokens[static_cast<size_t>(*(special.*id))]) : nullptr;
  std::vector<AddedToken> by_id = added;
  std::sort(by_id.begin(), by_id.end(), [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  auto& decoder = config["added_tokens_decoder"] = nlohmann::ordered_json::object();
  for (const AddedToken& token : by_id)
    decoder[std::to_string(token.id)] = {{"content", token.content},       {"lstrip", false},
                                         {"normalized", token.normalized}, {"rstrip", false},
                                         {"single_word", false},           {"special", token.special}};
  return config;
}

}  // namespace podium
