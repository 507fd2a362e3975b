// WordPiece beside the golden ids (tokenizer_golden_test.cc): words, pieces, bad files.
#include "worker/data/word_piece.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/data/open_tokenizer.h"

namespace podium {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kVocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\nable\n,\ndo\nnot\nn't\n'\ns\n";

class WordPieceFolder : public testing::Test {
 protected:
  WordPieceFolder() { folder_.write("vocab.txt", kVocabulary); }
  std::string error() const {
    return error_of([&] { WordPiece::read(folder_.path()); });
  }
  json tokenizer_json() const {
    return {{"version", "1.0"},
            {"truncation", nullptr},
            {"padding", nullptr},
            {"added_tokens", {{{"id", 1}, {"content", "[UNK]"}, {"normalized", false}, {"special", true}}}},
            {"normalizer",
             {{"type", "BertNormalizer"},
              {"clean_text", true},
              {"handle_chinese_chars", true},
              {"strip_accents", nullptr},
              {"lowercase", false}}},
            {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
            {"post_processor", {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 2}}}},
            {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
            {"model",
             {{"type", "WordPiece"},
              {"unk_token", "[UNK]"},
              {"continuing_subword_prefix", "##"},
              {"max_input_chars_per_word", 100},
              {"vocab", {{"[PAD]", 0}, {"[UNK]", 1}, {"[CLS]", 2}, {"[SEP]", 3}, {"[MASK]", 4}, {"A", 5}, {"a", 6}}}}}};
  }
  TemporaryFolder folder_;
};

TEST(BertWords, AreCutAtSpacesPunctuationAndChineseCharacters) {
  EXPECT_THAT(bert_words("Caf\u00e9, na\u00efve!", {}), ElementsAre(U"cafe", U",", U"naive", U"!"));
  EXPECT_THAT(bert_words("Caf\u00e9", {.lower_case = false}), ElementsAre(U"Caf\u00e9"));
  EXPECT_THAT(bert_words("Caf\u00e9", {.lower_case = false, .strip_accents = true}), ElementsAre(U"Cafe"));
  EXPECT_THAT(bert_words("a\u4e2d\u6587b", {}), ElementsAre(U"a", U"\u4e2d", U"\u6587", U"b"));
  EXPECT_THAT(bert_words("a\u4e2d\u6587b", {.split_chinese = false}), ElementsAre(U"a\u4e2d\u6587b"));
  EXPECT_THAT(bert_words("a\x01\u200b"
                         "b\tc\xff",
                         {}),
              ElementsAre(U"ab", U"c"));
}

TEST_F(WordPieceFolder, TakesTheLongestPieces) {
  const WordPiece tokenizer = WordPiece::read(folder_.path());
  EXPECT_THAT(tokenizer.encode("unaffable, UNABLE unx [SEP]"), ElementsAre(5, 6, 7, 9, 5, 7, 1, 3));
  EXPECT_EQ(tokenizer.decode(std::vector{2, 5, 6, 7, 9, 8, 1, 3, 0}), "unaffable, able");
  EXPECT_EQ(tokenizer.special_ids(), (SpecialIds{.unknown = 1, .pad = 0, .cls = 2, .sep = 3, .mask = 4}));
  EXPECT_EQ(tokenizer.size(), 15);
}

TEST_F(WordPieceFolder, SpacesAreCleanedUpAsTheCheckpointSays) {
  const std::vector<int32_t> ids{8, 12, 13, 14, 9};
  EXPECT_EQ(WordPiece::read(folder_.path()).decode(ids), "ablen't ' s,");
  folder_.write("tokenizer_config.json", R"({"clean_up_tokenization_spaces": true})");
  EXPECT_EQ(WordPiece::read(folder_.path()).decode(ids), "ablen't's,");
}

TEST_F(WordPieceFolder, ASpecialTokenThatTheVocabularyLacksGetsTheNextId) {
  folder_.write("vocab.txt", "[UNK]\na\n");
  const WordPiece tokenizer = WordPiece::read(folder_.path());
  EXPECT_EQ(tokenizer.special_ids(), (SpecialIds{.unknown = 0, .pad = 3, .cls = 4, .sep = 2, .mask = 5}));
  EXPECT_THAT(tokenizer.encode("[CLS] a [SEP]"), ElementsAre(4, 1, 2));
}

TEST_F(WordPieceFolder, DamagedVocabulariesAreRefusedByTheirLine) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"[UNK]\na\nb\na\n", "vocab.txt:4: the token \"a\" is there twice, as 1 and 3"},
      {"[UNK]\n\na\n", "vocab.txt:2: a token is empty"},
      {"[UNK]\na\xff\n", "vocab.txt:2: is not UTF-8"},
      {"a\nb\n", "the vocabulary has no token for unknown words"},
      {"", "the vocabulary has no token for unknown words"}};
  for (const auto& [vocabulary, expected] : cases) {
    folder_.write("vocab.txt", vocabulary);
    EXPECT_THAT(error(), HasSubstr(expected));
  }
  folder_.write("vocab.txt", "[UNK]\r\na \r\n");  // white space at the end is no part of a token
  EXPECT_THAT(WordPiece::read(folder_.path()).encode("a"), ElementsAre(1));
}

TEST_F(WordPieceFolder, TokenizerConfigIsRightWhereTokenizerJsonSaysOtherwise) {
  folder_.write("tokenizer.json", tokenizer_json().dump());
  EXPECT_THAT(WordPiece::read(folder_.path()).encode("A a"), ElementsAre(5, 6));
  folder_.write("tokenizer_config.json", R"({"do_lower_case": true})");
  EXPECT_THAT(WordPiece::read(folder_.path()).encode("A a"), ElementsAre(6, 6));
}

TEST_F(WordPieceFolder, WhatTokenizerJsonAsksForBeyondBertIsRefusedByName) {
  const std::vector<std::pair<const char*, json>> cases{{"/normalizer/type", "NFC"},
                                                        {"/normalizer/clean_text", false},
                                                        {"/normalizer/later", true},
                                                        {"/pre_tokenizer/type", "Whitespace"},
                                                        {"/post_processor/type", "RobertaProcessing"},
                                                        {"/post_processor/single", {{{"Sequence", 1}}}},
                                                        {"/decoder/cleanup", false},
                                                        {"/decoder/prefix", "@@"},
                                                        {"/model/continuing_subword_prefix", "@@"},
                                                        {"/model/max_input_chars_per_word", 200},
                                                        {"/model/unk_token", "a"},
                                                        {"/model/later", 1},
                                                        {"/added_tokens/0/normalized", true},
                                                        {"/added_tokens/0/lstrip", true}};
  for (const auto& [place, value] : cases) {
    json damaged = tokenizer_json();
    damaged[json::json_pointer(place)] = value;
    folder_.write("tokenizer.json", damaged.dump());
    const std::string pointer = place;
    EXPECT_THAT(error(), HasSubstr("tokenizer.json")) << place;
    EXPECT_THAT(error(), HasSubstr(pointer.substr(pointer.rfind('/') + 1))) << place;
  }
}

TEST_F(WordPieceFolder, WhatTokenizerConfigAsksForBeyondBertIsRefusedByName) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"tokenizer_class": "GPT2Tokenizer"})", "\"tokenizer_class\" is \"GPT2Tokenizer\""},
      {R"({"do_basic_tokenize": false})", "\"do_basic_tokenize\" is false"},
      {R"({"never_split": ["a"]})", "\"never_split\" is [\"a\"]"},
      {R"({"do_lower_case": 1})", "\"do_lower_case\" is 1, true or false was expected"}};
  for (const auto& [config, expected] : cases) {
    folder_.write("tokenizer_config.json", config);
    EXPECT_THAT(error(), HasSubstr(expected));
    EXPECT_THAT(error(), HasSubstr("tokenizer_config.json"));
  }
}

TEST(OpenTokenizer, SaysWhatAFolderLacks) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { open_tokenizer(folder.path()); }),
              HasSubstr("has no tokenizer: tokenizer.json, vocab.txt, merges.txt or source.spm was expected"));
  folder.write("tokenizer.json", R"({"model": {"type": "Unigram", "vocab": []}})");
  EXPECT_THAT(error_of([&] { open_tokenizer(folder.path()); }), HasSubstr("Unigram, BPE or WordPiece was expected"));
}

}  // namespace
}  // namespace podium
