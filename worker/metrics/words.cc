#include "worker/metrics/words.h"

namespace podium {

size_t white_space_bytes(std::string_view text) {
  if (text.empty()) return 0;
  char first = text[0];
  if ((first >= '\t' && first <= '\r') || (first >= '\x1c' && first <= ' ')) return 1;
  for (std::string_view space : {"\u0085", "\u00a0", "\u1680", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"})
    if (text.starts_with(space)) return space.size();
  // U+2000 to U+200A.
  auto third = static_cast<unsigned char>(text.size() > 2 ? text[2] : 0);
  return text.starts_with("\xe2\x80") && third >= 0x80 && third <= 0x8a ? 3 : 0;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t space = white_space_bytes(text.substr(at));
    if (space > 0) {
      if (at > begin) words.push_back(text.substr(begin, at - begin));
      begin = at + space;
    }
    at += space > 0 ? space : 1;
  }
  if (text.size() > begin) words.push_back(text.substr(begin));
  return words;
}

}  // namespace podium
