// Works on bytes: every rule looks for ASCII, which never occurs inside a UTF-8 sequence, and inserts only spaces. So
// "one character that is no digit" may as well be the last or the first byte of a longer character.
#include "worker/metrics/tokenizer_13a.h"

#include <array>
#include <utility>

#include "worker/metrics/words.h"

namespace podium {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_point_or_comma(char c) { return c == '.' || c == ','; }

// ASCII punctuation that is a token wherever it stands: all but ' , - . (and digits and letters).
bool always_splits(char c) {
  return (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || c == '/' || (c >= ':' && c <= '@') ||
         (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

std::string_view without_trailing_white_space(std::string_view text) {
  auto ends_with_space_of = [&](size_t bytes) {
    return text.size() >= bytes && white_space_bytes(text.substr(text.size() - bytes)) == bytes;
  };
  while (true) {
    size_t bytes = ends_with_space_of(1) ? 1 : ends_with_space_of(2) ? 2 : ends_with_space_of(3) ? 3 : 0;
    if (bytes == 0) return text;
    text.remove_suffix(bytes);
  }
}

std::string replace_all(const std::string& text, std::string_view from, std::string_view to) {
  std::string result;
  size_t begin = 0;
  for (size_t found; (found = text.find(from, begin)) != std::string::npos; begin = found + from.size())
    result.append(text, begin, found - begin).append(to);
  return result.append(text, begin);
}

// Copies `text`; where two neighbours match `applies`, puts spaces around the first, the second or between. A pair's
// second character begins no further pair.
template <typename Applies>
std::string space_pairs(const std::string& text, Applies applies, std::array<std::string_view, 3> spaces) {
  std::string result;
  result.reserve(text.size() + text.size() / 2);
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && applies(text[i], text[i + 1])) {
      result.append(spaces[0]).append(1, text[i]).append(spaces[1]).append(1, text[i + 1]).append(spaces[2]);
      ++i;
    } else {
      result.push_back(text[i]);
    }
  }
  return result;
}

std::string split_punctuation(const std::string& text) {
  std::string result;
  for (char c : text) {
    if (always_splits(c))
      result.append({' ', c, ' '});
    else
      result.push_back(c);
  }
  result = space_pairs(result, [](char a, char b) { return !is_digit(a) && is_point_or_comma(b); }, {"", " ", " "});
  result = space_pairs(result, [](char a, char b) { return is_point_or_comma(a) && !is_digit(b); }, {" ", " ", ""});
  return space_pairs(result, [](char a, char b) { return is_digit(a) && b == '-'; }, {"", " ", " "});
}

std::string join_words(std::string_view text) {
  std::string result;
  for (std::string_view word : split_words(text)) result.append(result.empty() ? "" : " ").append(word);
  return result;
}

}  // namespace

std::string tokenize_13a(std::string_view segment) {
  std::string text(without_trailing_white_space(segment));
  // In this order: what one replacement leaves, the next may take.
  for (auto [from, to] : {std::pair{"<skipped>", ""},
                          {"-\n", ""},
                          {"\n", " "},
                          {"&quot;", "\""},
                          {"&amp;", "&"},
                          {"&lt;", "<"},
                          {"&gt;", ">"}})
    text = replace_all(text, from, to);
  return join_words(split_punctuation(' ' + text + ' '));
}

}  // namespace podium
