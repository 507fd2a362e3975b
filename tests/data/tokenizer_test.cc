#include "worker/data/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <clocale>
#include <locale>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/error_of.h"
#include "worker/data/tokenized_pairs.h"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Sentences of 300 invented words.
std::vector<std::string> make_texts(int count) {
  const std::vector<std::string> syllables{"ca", "sa", "\xC3\xA7\xC3\xA3o", "men", "te", "pa", "ra", "es", "ti",
                                           "lo", "do", "v\xC3\xA9"};
  std::mt19937 random(11);
  std::vector<std::string> words(300), texts(static_cast<size_t>(count));
  for (std::string& word : words) {
    for (size_t i = 0; i < 1 + random() % 4; ++i) word += syllables[random() % syllables.size()];
  }
  for (std::string& text : texts) {
    for (size_t i = 0; i < 3 + random() % 10; ++i) text += words[random() % (1 + random() % words.size())] + " ";
  }
  return texts;
}

class TokenizerTest : public testing::TestWithParam<TokenizerOptions::Kind> {
 protected:
  TokenizerTest() : texts_(make_texts(1000)), views_(texts_.begin(), texts_.end()) {
    options_.size = 200;
    options_.kind = GetParam();
  }
  std::vector<std::string> texts_;
  std::vector<std::string_view> views_;
  TokenizerOptions options_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerTest,
                         testing::Values(TokenizerOptions::Kind::kUnigram, TokenizerOptions::Kind::kBpe),
                         [](const auto& info) {
                           return info.param == TokenizerOptions::Kind::kBpe ? "Bpe" : "Unigram";
                         });

TEST_P(TokenizerTest, PiecesSpellTheText) {
  const Tokenizer tokenizer(Tokenizer::train(views_, options_));
  auto spelt = [&](const std::string& text) {
    std::string result;
    std::vector<int32_t> ids;
    for (const Tokenizer::Piece& piece : tokenizer.pieces(text)) {
      result += piece.text;
      ids.push_back(piece.id);
    }
    EXPECT_EQ(ids, tokenizer.encode(text)) << text;
    return result;
  };
  EXPECT_EQ(spelt("casa  para"), "▁casa▁para");
  EXPECT_EQ(spelt("casa人人 X"), "▁casa人人▁X");  // of no piece
  EXPECT_EQ(spelt("c\u0327a\u0303o ve\u0301"), "▁ção▁vé");
  EXPECT_EQ(spelt(""), "");
}

TEST_P(TokenizerTest, APieceIsWhatItBecomesInATranslation) {
  const Tokenizer tokenizer(Tokenizer::train(views_, options_));
  for (const Tokenizer::Piece& piece : tokenizer.pieces("casa vé mente"))
    EXPECT_EQ(tokenizer.piece(piece.id), piece.text);
  EXPECT_EQ(tokenizer.piece(Tokenizer::kUnknownId), "▁⁇▁");
  EXPECT_EQ(tokenizer.decode(std::vector{Tokenizer::kUnknownId}), " ⁇ ");
  EXPECT_EQ(tokenizer.piece(Tokenizer::kEosId), "");
  EXPECT_EQ(tokenizer.piece(tokenizer.pad_id()), "");
}

TEST_P(TokenizerTest, IdsFollowMarian) {
  const Tokenizer tokenizer(Tokenizer::train(views_, options_));
  EXPECT_EQ(tokenizer.size(), 200);
  EXPECT_EQ(tokenizer.pad_id(), 199);
  const std::string json = tokenizer.vocab_json();
  EXPECT_THAT(json, testing::StartsWith("{\n  \"</s>\": 0,\n  \"<unk>\": 1,\n"));
  EXPECT_THAT(json, testing::EndsWith("\"<pad>\": 199\n}"));
  EXPECT_EQ(nlohmann::json::parse(json).size(), 200u);
}

TEST_P(TokenizerTest, DecodingGivesTheTextBack) {
  const Tokenizer tokenizer(Tokenizer::train(views_, options_));
  for (size_t i = 0; i < 50; ++i) {
    std::string text = texts_[i];
    text.pop_back();
    std::vector<int32_t> ids = tokenizer.encode(text);
    EXPECT_GT(ids.size(), 2u);
    EXPECT_EQ(tokenizer.decode(ids), text);
    ids.push_back(Tokenizer::kEosId);
    ids.push_back(tokenizer.pad_id());
    EXPECT_EQ(tokenizer.decode(ids), text);
  }
  EXPECT_TRUE(tokenizer.encode("").empty());
  EXPECT_EQ(tokenizer.decode({}), "");
}

TEST_P(TokenizerTest, TrainingTwiceGivesTheSameBytesInAnyLocale) {
  struct CommaForPoint : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  options_.character_coverage = 0.9995;
  const std::string once = Tokenizer::train(views_, options_);
  const std::locale before = std::locale::global(std::locale(std::locale(), new CommaForPoint));
  for (const char* name : {"de_DE.UTF-8", "C.UTF-8"}) std::setlocale(LC_ALL, name);
  const std::string again = Tokenizer::train(views_, options_);
  std::locale::global(before);
  std::setlocale(LC_ALL, "C");
  EXPECT_TRUE(once == again);
}

TEST_P(TokenizerTest, NamesOfSpecialTokensInATextAreOrdinaryText) {
  const Tokenizer tokenizer(Tokenizer::train(views_, options_));
  for (const char* text : {"</s>", "casa</s>para", "<pad> <unk> <s> </s>", "\xE2\x96\x81</s>"}) {
    const std::vector<int32_t> ids = tokenizer.encode(text);
    EXPECT_FALSE(ids.empty());
    for (int32_t id : ids) EXPECT_TRUE(id >= 1 && id < tokenizer.pad_id()) << text;
  }
}

TEST_P(TokenizerTest, ASizeTooLargeForTheTextNamesTheLargestThatWorks) {
  options_.size = 100'000;
  const std::string error = error_of([&] { Tokenizer::train(views_, options_); });
  EXPECT_THAT(error, HasSubstr("vocabulary.size: 100000 is too large"));
  options_.size = std::stoll(error.substr(error.rfind(' ')));
  EXPECT_EQ(Tokenizer(Tokenizer::train(views_, options_)).size(), options_.size);
}

TEST_P(TokenizerTest, ASizeTooSmallForTheCharactersNamesWhatTheyNeed) {
  options_.size = 10;
  const std::string error = error_of([&] { Tokenizer::train(views_, options_); });
  EXPECT_THAT(error, HasSubstr("vocabulary.size: 10 is too small"));
  EXPECT_THAT(error, HasSubstr("vocabulary.character_coverage"));
}

TEST_P(TokenizerTest, TextsWithoutContentAreRefusedAndLongOnesTeachNothing) {
  const std::string long_text(100'000, 'q');
  EXPECT_THAT(error_of([&] {
                Tokenizer::train(std::vector<std::string_view>{"", long_text}, options_);
              }),
              HasSubstr("no text"));
  const std::string without = Tokenizer::train(views_, options_);
  views_.push_back(long_text);
  EXPECT_EQ(Tokenizer(Tokenizer::train(views_, options_)).vocab_json(), Tokenizer(without).vocab_json());
}

TEST(TokenizerModel, DamagedBytesAreRefused) {
  EXPECT_THAT(error_of([] { Tokenizer("", "source.spm"); }), HasSubstr("source.spm"));
  EXPECT_THAT(error_of([] { Tokenizer(std::string(1000, 'x'), "source.spm"); }), HasSubstr("source.spm"));
}

TEST(TokenizedPairs, EndWithEosAndLeaveOutLongPairs) {
  const std::vector<std::string> texts = make_texts(1000);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  TokenizerOptions options;
  options.size = 200;
  const Tokenizer tokenizer(Tokenizer::train(views, options));
  const std::vector<SentencePair> pairs{
      {"casa", "para", 1}, {texts[0] + texts[1] + texts[2], "para", 2}, {"para", "\xE2\x80\x8B", 3}};
  LineReport report;
  report.lines = 3;
  const TokenizedPairs result = tokenize_pairs(pairs, tokenizer, tokenizer, 10, "f", report);
  ASSERT_EQ(result.count(), 1);
  std::vector<int32_t> expected = tokenizer.encode("casa");
  expected.push_back(Tokenizer::kEosId);
  EXPECT_TRUE(std::ranges::equal(result.source(0), expected));
  EXPECT_EQ(result.target(0).back(), Tokenizer::kEosId);
  EXPECT_THAT(report.of(LineFault::kLongSource).places, ElementsAre("f:2"));
  EXPECT_THAT(report.of(LineFault::kEmptyTarget).places, ElementsAre("f:3"));

  // The limit counts end-of-sentence: exactly that long is not too long.
  const auto length = static_cast<int64_t>(std::max(expected.size(), result.target(0).size()));
  EXPECT_EQ(tokenize_pairs({pairs[0]}, tokenizer, tokenizer, length, "f", report).count(), 1);
  EXPECT_EQ(tokenize_pairs({pairs[0]}, tokenizer, tokenizer, length - 1, "f", report).count(), 0);
}

}  // namespace
}  // namespace podium
