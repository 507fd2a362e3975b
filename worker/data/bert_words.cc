#include "worker/data/bert_words.h"

#include <algorithm>

#include "worker/data/unicode.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

// The blocks of CJK ideographs, with the gap that the original leaves before U+2B920.
bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

// Without zero bytes, control characters and U+FFFD, and with a space for each white space.
std::u32string clean(std::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const uint32_t c = take_code_point(text);
    if (c == kInvalidCodePoint || c == 0 || c == 0xFFFD || is_bert_control(c)) continue;
    result += is_unicode_space(c) ? U' ' : static_cast<char32_t>(c);
  }
  return result;
}

std::u32string normalise(std::string_view raw, const BertTextOptions& options) {
  std::u32string text = clean(raw);
  if (options.split_chinese) {
    std::u32string split;
    for (char32_t c : text) {
      if (is_chinese(c))
        split.append({U' ', c, U' '});
      else
        split += c;
    }
    text = std::move(split);
  }
  if (options.strip_accents.value_or(options.lower_case)) {
    text = decompose(text);
    std::erase_if(text, is_bert_mark);
  }
  return options.lower_case ? lower_case(text) : text;
}

}  // namespace

std::vector<std::u32string> bert_words(std::string_view text, const BertTextOptions& options) {
  std::vector<std::u32string> words;
  std::u32string word;
  auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (char32_t c : normalise(text, options)) {
    const bool stands_alone = is_bert_punctuation(c);
    if (stands_alone || is_unicode_space(c)) end_word();
    if (is_unicode_space(c)) continue;
    word += c;
    if (stands_alone) end_word();
  }
  end_word();
  return words;
}

}  // namespace podium
