// The tokenizer "13a" of the WMT evaluations (NIST mteval-v13a), as sacreBLEU applies it before it counts words for
// BLEU.
#pragma once

#include <string>
#include <string_view>

namespace podium {

// The tokens of one segment, joined by single spaces. ASCII punctuation becomes tokens of its own, but for apostrophes,
// hyphens behind letters, and the points and commas inside numbers; Unicode white space separates. Bytes that are not
// UTF-8 stay in their tokens as they are.
std::string tokenize_13a(std::string_view segment);

}  // namespace podium
