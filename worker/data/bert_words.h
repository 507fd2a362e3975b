// The words that BERT looks up pieces of: text cleaned, Chinese characters set apart, accents stripped, lower case, cut
// at white space and around punctuation (Devlin et al. 2019, tokenization.py). As BertNormalizer and BertPreTokenizer
// of Hugging Face's tokenizers do it, which is the default of transformers. Its Python twin (BertTokenizerLegacy)
// differs: it drops unassigned code points, knows punctuation and marks of a newer Unicode, treats U+2B820 to U+2B91F
// as Chinese, and writes a final sigma in lower case.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

struct BertTextOptions {
  bool lower_case = true;
  std::optional<bool> strip_accents{};  // absent: as lower_case
  bool split_chinese = true;
};

// Malformed UTF-8 is left out, like U+FFFD.
std::vector<std::u32string> bert_words(std::string_view text, const BertTextOptions& options);

}  // namespace podium
