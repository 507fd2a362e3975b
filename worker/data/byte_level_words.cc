#include "worker/data/byte_level_words.h"

#include <algorithm>
#include <numeric>

#include "worker/data/unicode.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

enum class Kind : uint8_t { kLetter, kNumber, kSpace, kOther };

Kind kind_of(uint32_t c) {
  return is_letter(c)          ? Kind::kLetter
         : is_number(c)        ? Kind::kNumber
         : is_unicode_space(c) ? Kind::kSpace
                               : Kind::kOther;
}

Kind first_kind(std::string_view text) { return kind_of(take_code_point(text)); }

// Bytes of the run of `kind` that `text` begins with; `last`: of its last character.
size_t run_bytes(std::string_view text, Kind kind, size_t* last = nullptr) {
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view after = rest;
    if (kind_of(take_code_point(after)) != kind) break;
    if (last != nullptr) *last = rest.size() - after.size();
    rest = after;
  }
  return text.size() - rest.size();
}

// Bytes of the first word of `text`, which is not empty.
size_t first_word_bytes(std::string_view text) {
  for (std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
    if (text.starts_with(ending)) return ending.size();
  const size_t space = text[0] == ' ' && text.size() > 1 ? 1 : 0;
  if (const Kind kind = first_kind(text.substr(space)); kind != Kind::kSpace)
    return space + run_bytes(text.substr(space), kind);
  // White space: all of it at the text's end, else all but the last character, which may belong to the word behind it.
  size_t last = 0;
  const size_t run = run_bytes(text, Kind::kSpace, &last);
  return run == text.size() || run == last ? run : run - last;
}

bool is_visible(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// The code point of each byte's character.
const std::array<uint32_t, 256>& byte_code_points() {
  static const auto table = [] {
    std::array<uint32_t, 256> code_points{};
    uint32_t next = 0x100;
    for (uint32_t byte = 0; byte < 256; ++byte) code_points[byte] = is_visible(byte) ? byte : next++;
    return code_points;
  }();
  return table;
}

}  // namespace

std::vector<std::string_view> byte_level_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t size = first_word_bytes(text);
    words.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return words;
}

const std::array<std::string, 256>& byte_characters() {
  static const auto table = [] {
    std::array<std::string, 256> characters;
    for (size_t byte = 0; byte < 256; ++byte) append_utf8(characters[byte], byte_code_points()[byte]);
    return characters;
  }();
  return table;
}

const std::array<uint8_t, 256>& bytes_by_character() {
  static const auto table = [] {
    std::array<uint8_t, 256> bytes{};
    std::iota(bytes.begin(), bytes.end(), uint8_t{0});
    std::sort(bytes.begin(), bytes.end(),
              [](uint8_t a, uint8_t b) { return byte_code_points()[a] < byte_code_points()[b]; });
    return bytes;
  }();
  return table;
}

std::optional<std::string> bytes_of(std::string_view token) {
  static const auto bytes = [] {
    std::array<int, 0x144> table;
    table.fill(-1);
    for (size_t byte = 0; byte < 256; ++byte) table[byte_code_points()[byte]] = static_cast<int>(byte);
    return table;
  }();
  std::string result;
  while (!token.empty()) {
    const uint32_t c = take_code_point(token);
    if (c >= bytes.size() || bytes[c] < 0) return std::nullopt;
    result += static_cast<char>(bytes[c]);
  }
  return result;
}

}  // namespace podium
