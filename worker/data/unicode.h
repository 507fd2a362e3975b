// Properties of code points: the one place that knows utf8proc. Tokenizers must agree with those that made a
// vocabulary, and Hugging Face's (tokenizers 0.23) read three versions of Unicode: letters and numbers of 16, lower
// case of 17, and for BERT controls, punctuation and marks of 8 in decompositions of 9. The same here, whatever
// utf8proc is installed (2.8 has Unicode 15.0, 2.9 has 15.1): of all code points none is seen differently
// (tests/oracles/unicode_sweep.py).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace podium {

// \p{L}, \p{N} and \s of GPT-2's pattern.
bool is_letter(uint32_t code_point);
bool is_number(uint32_t code_point);
// Unicode's White_Space.
bool is_unicode_space(uint32_t code_point);

// What BERT's normaliser takes out: Cc, Cf and Co; tab and line ends are white space instead.
bool is_bert_control(uint32_t code_point);
// ASCII's punctuation and symbols, and categories P*.
bool is_bert_punctuation(uint32_t code_point);
// Category Mn: what "strip accents" takes out of a decomposed text.
bool is_bert_mark(uint32_t code_point);

// Canonical decomposition (NFD).
std::u32string decompose(std::u32string_view text);

// Of each code point alone: no final sigma; İ becomes two.
std::u32string lower_case(std::u32string_view text);

}  // namespace podium
