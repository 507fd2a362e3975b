// UTF-8 as the Unicode standard defines it (3.9, table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace podium {

constexpr uint32_t kInvalidCodePoint = 0xFFFFFFFFu;

// Takes one code point off the front of `text`, which must not be empty. A malformed sequence gives kInvalidCodePoint
// and takes one byte.
uint32_t take_code_point(std::string_view& text);

void append_utf8(std::string& text, uint32_t code_point);

// `text` with U+FFFD for each malformed sequence, cut as the standard advises (3.9, "maximal subparts"): what Python's
// bytes.decode(errors="replace") and Rust's String::from_utf8_lossy give.
std::string replace_malformed_utf8(std::string_view text);

// Well-formed, and without zero bytes: those are the mark of UTF-16.
bool is_valid_utf8(std::string_view text);

// What Unicode counts as white space, with the separators 0x1C to 0x1F.
bool is_white_space(uint32_t code_point);

// Nothing but white space.
bool is_blank(std::string_view text);

}  // namespace podium
