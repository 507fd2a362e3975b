#include "worker/data/word_piece.h"

#include <utility>

#include "worker/base/error.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

constexpr std::string_view kWithin = "##";
constexpr size_t kWordLimitCharacters = 100;

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

// As tokenizers' WordPiece decoder does with each token (`do_not`), and transformers with a text.
void clean_up(std::string& text, bool do_not) {
  for (std::string_view mark : {".", "?", "!", ","}) replace_all(text, " " + std::string(mark), mark);
  replace_all(text, " ' ", "'");
  replace_all(text, " n't", "n't");
  replace_all(text, " 'm", "'m");
  if (do_not) replace_all(text, " do not", " don't");
  for (std::string_view form : {"'s", "'ve", "'re"}) replace_all(text, " " + std::string(form), form);
}

}  // namespace

WordPiece::WordPiece(Content content) : content_(std::move(content)), added_(content_.added) {
  PODIUM_CHECK(content_.special.unknown.has_value());
  for (int32_t id = 0; id < size(); ++id) ids_.emplace(content_.tokens[static_cast<size_t>(id)], id);
}

std::vector<int32_t> WordPiece::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  for (const auto& [stretch, id] : added_.split(text)) {
    if (id) {
      ids.push_back(*id);
    } else {
      for (const std::u32string& word : bert_words(stretch, content_.text)) encode_word(word, ids);
    }
  }
  return ids;
}

void WordPiece::encode_word(std::u32string_view word, std::vector<int32_t>& ids) const {
  const size_t before = ids.size();
  auto give_up = [&] {
    ids.resize(before);
    ids.push_back(*content_.special.unknown);
  };
  if (word.size() > kWordLimitCharacters) return give_up();
  std::string bytes;
  std::vector<size_t> ends{0};  // of each character, in bytes
  for (char32_t c : word) {
    append_utf8(bytes, c);
    ends.push_back(bytes.size());
  }
  for (size_t begin = 0; begin < word.size();) {
    std::string piece(begin == 0 ? "" : kWithin);
    const size_t prefix = piece.size();
    piece += bytes.substr(ends[begin]);
    size_t end = word.size();
    auto found = ids_.find(piece);
    while (found == ids_.end() && --end > begin) {
      piece.resize(prefix + ends[end] - ends[begin]);
      found = ids_.find(piece);
    }
    if (found == ids_.end()) return give_up();
    ids.push_back(found->second);
    begin = end;
  }
}

std::string WordPiece::decode(std::span<const int32_t> ids) const {
  std::string text;
  bool is_first = true;
  for (int32_t id : ids) {
    PODIUM_CHECK(id >= 0 && id < size(), "token {} of {}", id, size());
    if (added_.is_special(id)) continue;
    std::string token = content_.tokens[static_cast<size_t>(id)];
    if (!is_first) token = token.starts_with(kWithin) ? token.substr(kWithin.size()) : " " + token;
    clean_up(token, true);
    text += token;
    is_first = false;
  }
  if (content_.clean_up) clean_up(text, false);
  return text;
}

}  // namespace podium
