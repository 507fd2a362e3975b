// Every code point, against what Hugging Face's tokenizers makes of it (tests/oracles/unicode_sweep.py).
#include "worker/data/unicode.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "worker/base/file.h"
#include "worker/base/hash.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

using CodePoints = std::vector<uint32_t>;

const nlohmann::json& golden() {
  static const auto parsed =
      nlohmann::json::parse(read_file(fs::path(PODIUM_SOURCE_DIR) / "tests/golden/tokenizer/unicode.json"));
  return parsed;
}

template <typename Visit>
void for_each_code_point(Visit visit) {
  for (uint32_t c = 1; c < 0x110000; ++c)
    if (c < 0xD800 || c >= 0xE000) visit(c);
}

// The first and last code points of the stretches for which `holds`.
CodePoints ranges(bool (*holds)(uint32_t)) {
  CodePoints result;
  for_each_code_point([&](uint32_t c) {
    if (!holds(c)) return;
    if (!result.empty() && result.back() == c - 1)
      result.back() = c;
    else
      result.insert(result.end(), {c, c});
  });
  return result;
}

std::string utf8(std::u32string_view text) {
  std::string result;
  for (char32_t c : text) append_utf8(result, c);
  return result;
}

// Of the lines "code point, result" of those that `change` changes, each put between `before` and `behind`.
std::string hash_of_changes(std::u32string (*change)(std::u32string_view), std::u32string_view before = U"",
                            std::u32string_view behind = U"") {
  std::string lines;
  for_each_code_point([&](uint32_t c) {
    const std::u32string text = std::u32string(before) + static_cast<char32_t>(c) + std::u32string(behind);
    const std::u32string changed = change(text);
    if (changed != std::u32string(1, static_cast<char32_t>(c))) lines += fmt::format("{:x} {}\n", c, utf8(changed));
  });
  return sha256_hex(lines);
}

TEST(Unicode, EveryCodePointIsOfTheKindThatTokenizersSees) {
  EXPECT_EQ(ranges(is_letter), golden()["letter"].get<CodePoints>());
  EXPECT_EQ(ranges(is_number), golden()["number"].get<CodePoints>());
  EXPECT_EQ(ranges(is_unicode_space), golden()["space"].get<CodePoints>());
  EXPECT_EQ(ranges(is_bert_control), golden()["bert_control"].get<CodePoints>());
  EXPECT_EQ(ranges(is_bert_punctuation), golden()["bert_punctuation"].get<CodePoints>());
  EXPECT_EQ(ranges(is_bert_mark), golden()["bert_mark"].get<CodePoints>());
}

TEST(Unicode, EveryCodePointIsDecomposedAndPutInOrderAsByTokenizers) {
  EXPECT_EQ(hash_of_changes(decompose), golden()["decomposed"]);
  EXPECT_EQ(hash_of_changes(decompose, U"\u0345"), golden()["decomposed_behind_240"]);
  EXPECT_EQ(hash_of_changes(decompose, U"", U"\u0334"), golden()["decomposed_before_1"]);
}

TEST(Unicode, EveryCodePointHasTheLowerCaseOfTokenizers) {
  EXPECT_EQ(hash_of_changes(lower_case), golden()["lower_case"]);
}

TEST(Utf8, MalformedSequencesBecomeOneReplacementEach) {
  EXPECT_EQ(replace_malformed_utf8("ol\u00e1 \U0001F600"), "ol\u00e1 \U0001F600");
  // The example of the Unicode standard, table 3-8, and its neighbours 3-9 to 3-11.
  EXPECT_EQ(replace_malformed_utf8("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
  EXPECT_EQ(replace_malformed_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA");
  EXPECT_EQ(replace_malformed_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA");
  EXPECT_EQ(replace_malformed_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB");
}

}  // namespace
}  // namespace podium
