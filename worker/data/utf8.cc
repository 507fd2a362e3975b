#include "worker/data/utf8.h"

namespace podium {

uint32_t take_code_point(std::string_view& text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const uint32_t first = byte(0);
  size_t size = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  uint32_t code_point = size == 1 ? first : size == 2 ? first & 0x1F : size == 3 ? first & 0x0F : first & 0x07;
  bool valid = size > 0 && size <= text.size();
  for (size_t i = 1; valid && i < size; ++i) {
    valid = (byte(i) & 0xC0) == 0x80;
    code_point = code_point << 6 | (byte(i) & 0x3F);
  }
  if (size == 3) valid = valid && code_point >= 0x800 && (code_point < 0xD800 || code_point > 0xDFFF);
  if (size == 4) valid = valid && code_point >= 0x10000 && code_point <= 0x10FFFF;
  text.remove_prefix(valid ? size : 1);
  return valid ? code_point : kInvalidCodePoint;
}

void append_utf8(std::string& text, uint32_t code_point) {
  auto add = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (code_point < 0x80) {
    add(code_point);
  } else if (code_point < 0x800) {
    add(0xC0 | code_point >> 6);
    add(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    add(0xE0 | code_point >> 12);
    add(0x80 | (code_point >> 6 & 0x3F));
    add(0x80 | (code_point & 0x3F));
  } else {
    add(0xF0 | code_point >> 18);
    add(0x80 | (code_point >> 12 & 0x3F));
    add(0x80 | (code_point >> 6 & 0x3F));
    add(0x80 | (code_point & 0x3F));
  }
}

namespace {

// Bytes of the longest beginning of a malformed `text` that begins some well-formed sequence (table 3-7); at least 1.
size_t malformed_bytes(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const uint32_t first = byte(0);
  const size_t size = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1;
  const uint32_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const uint32_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  size_t count = 1;
  while (count < size && count < text.size() && byte(count) >= (count == 1 ? low : 0x80) &&
         byte(count) <= (count == 1 ? high : 0xBF))
    ++count;
  return count;
}

}  // namespace

std::string replace_malformed_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    std::string_view rest = text;
    if (take_code_point(rest) == kInvalidCodePoint) {
      append_utf8(result, 0xFFFD);
      text.remove_prefix(malformed_bytes(text));
    } else {
      result += text.substr(0, text.size() - rest.size());
      text = rest;
    }
  }
  return result;
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    uint32_t code_point = take_code_point(text);
    if (code_point == kInvalidCodePoint || code_point == 0) return false;
  }
  return true;
}

bool is_white_space(uint32_t c) {
  return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_blank(std::string_view text) {
  while (!text.empty()) {
    if (!is_white_space(take_code_point(text))) return false;
  }
  return true;
}

}  // namespace podium
