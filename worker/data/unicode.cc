#include "worker/data/unicode.h"

#include <utf8proc.h>

#include <algorithm>

#include "worker/base/error.h"
#include "worker/data/unicode_versions.h"

namespace podium {
namespace {

using namespace unicode_versions;

constexpr uint32_t kDottedCapitalI = 0x130;

utf8proc_category_t category(uint32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

int combining_class(char32_t c) {
  if (c < 0x300 || contains(kNewerOrdered, c)) return 0;
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
}

char32_t lower_case(char32_t c) {
  for (const auto& [range, to_small] : kNewerCapitals)
    if (c >= range.first && c <= range.last) return c + static_cast<char32_t>(to_small);
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

void append_decomposed(std::u32string& text, char32_t c) {
  if (c < 0xC0 || c == 0x11938) {  // U+11938 is newer than the decompositions of Unicode 9
    text += c;
    return;
  }
  utf8proc_int32_t parts[8];
  int last_boundary = 0;
  const auto count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, 8, UTF8PROC_DECOMPOSE, &last_boundary);
  PODIUM_CHECK(count > 0 && count <= 8, "U+{:X}: {}", static_cast<uint32_t>(c), count);
  text.append(parts, parts + count);
}

}  // namespace

bool is_letter(uint32_t c) {
  if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
  const auto found = category(c);
  return (found >= UTF8PROC_CATEGORY_LU && found <= UTF8PROC_CATEGORY_LO) || contains(kNewerLetters, c);
}

bool is_number(uint32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  const auto found = category(c);
  return (found >= UTF8PROC_CATEGORY_ND && found <= UTF8PROC_CATEGORY_NO) || contains(kNewerNumbers, c);
}

bool is_unicode_space(uint32_t c) {
  return c == ' ' || (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_bert_control(uint32_t c) {
  if (c < 0x7F) return c < 0x20 && c != '\t' && c != '\n' && c != '\r';
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CO:
      return true;
    case UTF8PROC_CATEGORY_CF:
      return !contains(kNewerFormats, c);
    default:
      return false;
  }
}

bool is_bert_punctuation(uint32_t c) {
  if (c < 0x80)
    return (c > 0x20 && c < 0x30) || (c > 0x39 && c < 0x41) || (c > 0x5A && c < 0x61) || (c > 0x7A && c < 0x7F);
  if (c == 0x166D || c == 0x111C9) return true;  // a symbol and a mark since
  const auto found = category(c);
  return found >= UTF8PROC_CATEGORY_PC && found <= UTF8PROC_CATEGORY_PO && !contains(kNewerPunctuation, c);
}

bool is_bert_mark(uint32_t c) {
  if (c < 0x300 || c == 0x111C9) return false;
  if (c == 0x1734) return true;  // a spacing mark since
  return category(c) == UTF8PROC_CATEGORY_MN && !contains(kNewerMarks, c);
}

std::u32string decompose(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (char32_t c : text) append_decomposed(result, c);
  // Canonical ordering: stretches of marks by their combining class.
  auto is_starter = [](char32_t c) { return combining_class(c) == 0; };
  for (auto begin = result.begin(); begin != result.end();) {
    begin = std::find_if_not(begin, result.end(), is_starter);
    const auto end = std::find_if(begin, result.end(), is_starter);
    std::stable_sort(begin, end, [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
  return result;
}

std::u32string lower_case(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (char32_t c : text) {
    if (c == kDottedCapitalI)
      result += U"i\u0307";
    else
      result += lower_case(c);
  }
  return result;
}

}  // namespace podium
