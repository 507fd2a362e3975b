// Byte-level BPE beside the golden ids (tokenizer_golden_test.cc): words, bad files, training, long words, threads.
#include "worker/data/byte_level_bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/data/byte_level_bpe_trainer.h"
#include "worker/data/byte_level_words.h"
#include "worker/data/tokenizer.h"

namespace podium {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

const fs::path kGolden = fs::path(PODIUM_SOURCE_DIR) / "tests/golden/tokenizer/byte_level";

TEST(ByteLevelWords, FollowTheRulesOfGpt2) {
  EXPECT_THAT(byte_level_words("It's  two\t words"), ElementsAre("It", "'s", " ", " two", "\t", " words"));
  EXPECT_THAT(byte_level_words("a1!? b 2"), ElementsAre("a", "1", "!?", " b", " 2"));
  EXPECT_THAT(byte_level_words("a \n"), ElementsAre("a", " \n"));
  EXPECT_THAT(byte_level_words("a\u00a0\u3000b"), ElementsAre("a", "\u00a0", "\u3000", "b"));
  EXPECT_THAT(byte_level_words("a's't're've'm'll'd'x"),
              ElementsAre("a", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'", "x"));
  EXPECT_THAT(byte_level_words(""), ElementsAre());
}

// The golden vocabulary as a folder in which single files can be damaged.
class ByteLevelFolder : public testing::Test {
 protected:
  ByteLevelFolder() {
    for (const char* name : {"vocab.json", "merges.txt"}) folder_.write(name, read_file(kGolden / name));
  }
  std::string error() const {
    return error_of([&] { ByteLevelBpe::read(folder_.path()); });
  }
  json vocabulary() const { return json::parse(read_file(kGolden / "vocab.json")); }
  // A tokenizer.json with the same content, as the tokenizers library writes it.
  json tokenizer_json() const {
    json merges = json::array();
    const std::string text = read_file(kGolden / "merges.txt");
    for (size_t at = text.find('\n') + 1; at < text.size(); at = text.find('\n', at) + 1)
      merges.push_back(text.substr(at, text.find('\n', at) - at));
    return {{"version", "1.0"},
            {"truncation", nullptr},
            {"padding", nullptr},
            {"added_tokens",
             {{{"id", 699},
               {"content", "<|endoftext|>"},
               {"single_word", false},
               {"lstrip", false},
               {"rstrip", false},
               {"normalized", false},
               {"special", true}}}},
            {"normalizer", nullptr},
            {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}}},
            {"post_processor", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}}},
            {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}}},
            {"model",
             {{"dropout", nullptr},
              {"unk_token", nullptr},
              {"continuing_subword_prefix", ""},
              {"end_of_word_suffix", ""},
              {"fuse_unk", false},
              {"vocab", vocabulary()},
              {"merges", merges}}}};
  }
  TemporaryFolder folder_;
};

TEST_F(ByteLevelFolder, TokenizerJsonSaysTheSameAsVocabularyAndMerges) {
  const ByteLevelBpe expected = ByteLevelBpe::read(folder_.path());
  const TemporaryFolder other;
  other.write("tokenizer.json", tokenizer_json().dump());
  const ByteLevelBpe tokenizer = ByteLevelBpe::read(other.path());
  const std::string text = "The License, don't <|endoftext|> \U0001F600\xff";
  EXPECT_EQ(tokenizer.encode(text), expected.encode(text));
  EXPECT_EQ(tokenizer.special_ids().eos, 699);
  EXPECT_EQ(tokenizer.special_ids().pad, std::nullopt);
}

TEST_F(ByteLevelFolder, TheLongestAddedTokenIsTakenAndSpecialOnesAreNoText) {
  folder_.write("tokenizer_config.json", R"({"added_tokens_decoder": {
    "700": {"content": "<a>"}, "701": {"content": "<a>b"}, "702": {"content": "<c>", "special": true}}})");
  const ByteLevelBpe tokenizer = ByteLevelBpe::read(folder_.path());
  EXPECT_THAT(tokenizer.encode("<a><a>b<c><|endoftext|>"), ElementsAre(700, 701, 702, 699));
  EXPECT_EQ(tokenizer.decode(std::vector{700, 701, 702, 699}), "<a><a>b");
}

TEST_F(ByteLevelFolder, DamagedVocabulariesAreRefused) {
  json damaged = vocabulary();
  damaged["!"] = 700;
  folder_.write("vocab.json", damaged.dump());
  EXPECT_THAT(error(), HasSubstr("vocab.json: the id of \"!\" is 700, 0 to 699 was expected"));
  damaged["!"] = damaged["#"];
  folder_.write("vocab.json", damaged.dump());
  EXPECT_THAT(error(), HasSubstr("\"!\" and \"#\" both have id"));
  folder_.write("vocab.json", "{\"a\": 0, \"a\": 1}");
  EXPECT_THAT(error(), HasSubstr("vocab.json: the key \"a\" is there twice"));
  folder_.write("vocab.json", "[]");
  EXPECT_THAT(error(), HasSubstr("vocab.json: is array, an object was expected"));
  folder_.write("vocab.json", "{\"a\": 0.5}");
  EXPECT_THAT(error(), HasSubstr("the id of \"a\" is 0.5"));
  fs::remove(folder_.path() / "vocab.json");
  EXPECT_THAT(error(), HasSubstr("vocab.json"));
}

TEST_F(ByteLevelFolder, AByteWithoutATokenIsRefused) {
  json damaged = vocabulary();
  damaged["other"] = damaged["\u0120"];
  damaged.erase("\u0120");
  folder_.write("vocab.json", damaged.dump());
  folder_.write("merges.txt", "#version: 0.2\n");
  EXPECT_THAT(error(), HasSubstr("the byte 0x20 has no token \u0120"));
}

TEST_F(ByteLevelFolder, DamagedMergesAreRefusedByTheirLine) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"#version: 0.2\n! qq\n", "merges.txt:2: the vocabulary has no token \"qq\""},
      {"#version: 0.2\n! \u0100\n", "merges.txt:2: the vocabulary has no token \"!\u0100\""},
      {"#version: 0.2\n\u0120 t\nh e\n\u0120 t\n", "merges.txt:4: the merge of \u0120 and t is there twice"},
      {"#version: 0.2\n\u0120t\n", "merges.txt:2: two tokens with a space between them were expected"},
      {"\u0120 t h\n", "merges.txt:1: two tokens with a space between them were expected"},
      {"\u0120 t\n\nh e\n", "merges.txt:2: two tokens"}};
  for (const auto& [merges, expected] : cases) {
    folder_.write("merges.txt", merges);
    EXPECT_THAT(error(), HasSubstr(expected));
  }
}

TEST_F(ByteLevelFolder, WhatTokenizerJsonAsksForBeyondGpt2IsRefusedByName) {
  const std::vector<std::pair<const char*, json>> cases{
      {"/normalizer", {{"type", "NFC"}}},
      {"/pre_tokenizer/type", "Whitespace"},
      {"/pre_tokenizer/use_regex", false},
      {"/post_processor/type", "RobertaProcessing"},
      {"/post_processor", {{"type", "TemplateProcessing"}, {"single", {{{"SpecialToken", 1}}, {{"Sequence", 1}}}}}},
      {"/decoder/type", "WordPiece"},
      {"/model/type", "Unigram"},
      {"/model/dropout", 0.1},
      {"/model/byte_fallback", true},
      {"/model/ignore_merges", true},
      {"/model/end_of_word_suffix", "</w>"},
      {"/model/continuing_subword_prefix", "##"},
      {"/model/later", 1},
      {"/later", 1},
      {"/added_tokens/0/lstrip", true},
      {"/added_tokens/0/single_word", true},
      {"/added_tokens/0/id", 3}};
  for (const auto& [place, value] : cases) {
    json damaged = tokenizer_json();
    damaged[json::json_pointer(place)] = value;
    folder_.write("tokenizer.json", damaged.dump());
    const std::string pointer = place;
    EXPECT_THAT(error(), HasSubstr("tokenizer.json")) << place;
    const std::string key = pointer.substr(pointer.rfind('/') + 1);
    EXPECT_THAT(error(), HasSubstr(key == "post_processor" ? "single" : key)) << place;
  }
}

TEST_F(ByteLevelFolder, WhatTokenizerConfigAsksForBeyondGpt2IsRefusedByName) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"tokenizer_class": "LlamaTokenizer"})", "\"tokenizer_class\" is \"LlamaTokenizer\""},
      {R"({"add_bos_token": true})", "\"add_bos_token\" is true, false was expected"},
      {R"({"errors": "ignore"})", "\"errors\" is \"ignore\""},
      {R"({"eos_token": 5})", "\"eos_token\" is number"},
      {R"({"eos_token": {"content": "<|endoftext|>", "rstrip": true}})", "\"rstrip\" is true, false was expected"},
      {R"({"added_tokens_decoder": {"x": {"content": "a"}}})", "\"x\" is no id"},
      {R"({"added_tokens_decoder": {"900": {"content": "<a>"}}})", "has id 900, 700 was expected"},
      {R"({"add_prefix_space": "yes"})", "\"add_prefix_space\" is \"yes\""},
      {"[1]", "is array, an object was expected"},
      {"{", "not valid JSON"}};
  for (const auto& [config, expected] : cases) {
    folder_.write("tokenizer_config.json", config);
    EXPECT_THAT(error(), HasSubstr(expected));
    EXPECT_THAT(error(), HasSubstr("tokenizer_config.json"));
  }
  fs::remove(folder_.path() / "tokenizer_config.json");
  folder_.write("added_tokens.json", "{}");
  EXPECT_THAT(error(), HasSubstr("added_tokens.json: is not supported"));
}

TEST_F(ByteLevelFolder, AMegabyteWithoutASpaceIsOneWordAndTakesNoTime) {
  const ByteLevelBpe tokenizer = ByteLevelBpe::read(folder_.path());
  for (const std::string unit : {"the", "a", "\u4e2d"}) {
    std::string word;
    while (word.size() < 1'000'000) word += unit;
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(word)), word);
  }
}

TEST_F(ByteLevelFolder, AllThreadsSeeTheSameIds) {
  const ByteLevelBpe tokenizer = ByteLevelBpe::read(folder_.path());
  const std::string text = read_file(fs::path(PODIUM_SOURCE_DIR) / "LICENSE");
  const std::vector<int32_t> expected = ByteLevelBpe::read(folder_.path()).encode(text);
  std::vector<std::vector<int32_t>> found(4);
  {
    std::vector<std::jthread> threads;
    for (auto& ids : found) threads.emplace_back([&] { ids = tokenizer.encode(text); });
  }
  for (const auto& ids : found) EXPECT_EQ(ids, expected);
  EXPECT_EQ(tokenizer.encode(text), expected);  // all from the cache
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The rule, word for word and slowly.
std::vector<std::pair<std::string, std::string>> merges_by_the_rule(std::span<const std::string_view> texts,
                                                                    size_t count) {
  std::vector<std::string> tokens;
  for (uint8_t byte : bytes_by_character()) tokens.push_back(byte_characters()[byte]);
  std::vector<std::vector<size_t>> words;
  for (std::string_view text : texts)
    for (std::string_view word : byte_level_words(text)) {
      words.emplace_back();
      for (char byte : word) {
        const std::string& character = byte_characters()[static_cast<unsigned char>(byte)];
        words.back().push_back(
            static_cast<size_t>(std::find(tokens.begin(), tokens.end(), character) - tokens.begin()));
      }
    }
  std::vector<std::pair<std::string, std::string>> merges;
  while (merges.size() < count) {
    std::map<std::pair<size_t, size_t>, int> counts;
    for (const auto& word : words)
      for (size_t i = 0; i + 1 < word.size(); ++i) ++counts[{word[i], word[i + 1]}];
    const auto best =
        std::max_element(counts.begin(), counts.end(), [](auto& a, auto& b) { return a.second < b.second; });
    if (best == counts.end() || best->second < 2) break;
    const auto [left, right] = best->first;
    merges.emplace_back(tokens[left], tokens[right]);
    tokens.push_back(tokens[left] + tokens[right]);
    const size_t result = static_cast<size_t>(std::find(tokens.begin(), tokens.end(), tokens.back()) - tokens.begin());
    if (result + 1 < tokens.size()) tokens.pop_back();
    for (auto& word : words)
      for (size_t i = 0; i + 1 < word.size(); ++i)
        if (word[i] == left && word[i + 1] == right) {
          word[i] = result;
          word.erase(word.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        }
  }
  return merges;
}

TEST(ByteLevelBpeTrainer, MergesTheMostFrequentPair) {
  const std::string license = read_file(fs::path(PODIUM_SOURCE_DIR) / "LICENSE").substr(0, 4000);
  std::string repetitive;  // pairs that overlap themselves, and tokens that two pairs spell
  std::mt19937 random(3);
  for (int i = 0; i < 3000; ++i) repetitive += "aab "[random() % 4];
  for (const auto& [text, size] : {std::pair(license, 400), std::pair(repetitive, 340)}) {
    const auto texts = lines_of(text);
    const ByteLevelBpe tokenizer = train_byte_level_bpe(texts, size);
    std::vector<std::pair<std::string, std::string>> merges;
    for (const BytePairs::Merge& merge : tokenizer.content().merges)
      merges.emplace_back(tokenizer.content().tokens[static_cast<size_t>(merge.left)],
                          tokenizer.content().tokens[static_cast<size_t>(merge.right)]);
    EXPECT_GE(static_cast<int>(merges.size()), size - 257);
    EXPECT_EQ(merges, merges_by_the_rule(texts, merges.size()));
    EXPECT_EQ(tokenizer.size(), size);
    EXPECT_EQ(tokenizer.special_ids().eos, size - 1);
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
    EXPECT_LT(tokenizer.encode(text).size(), text.size());
  }
}

TEST(ByteLevelBpeTrainer, TheSizeMustFitTheText) {
  const std::vector<std::string_view> texts{"abab abab", std::string_view()};
  EXPECT_THAT(error_of([&] { train_byte_level_bpe(texts, 256); }), HasSubstr("256 is too small"));
  EXPECT_THAT(error_of([&] { train_byte_level_bpe({}, 300); }), HasSubstr("no text"));
  try {
    train_byte_level_bpe(texts, 300);
    FAIL();
  } catch (const VocabularyTooLarge& error) {
    EXPECT_EQ(error.largest, 259);  // ab, abab
    EXPECT_EQ(train_byte_level_bpe(texts, error.largest).size(), error.largest);
  }
}

TEST(ByteLevelBpeTrainer, LongWordsTeachNothing) {
  const std::string word(5000, 'q');
  const std::vector<std::string_view> texts{word, "abab"};
  EXPECT_EQ(train_byte_level_bpe(texts, 258).content().tokens[256], "ab");
}

}  // namespace
}  // namespace podium
