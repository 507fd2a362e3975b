#include "worker/data/pair_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Utf8, AcceptsWellFormedTextAndNothingElse) {
  for (const char* good :
       {"", "abc", "\xC3\xA7", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBF"})
    EXPECT_TRUE(is_valid_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xC3", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
                          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xC3(", "\xE2\x28\xA1"})
    EXPECT_FALSE(is_valid_utf8(bad));
  EXPECT_FALSE(is_valid_utf8(std::string("h\0e\0", 4)));
}

TEST(Utf8, EveryCodePointSurvivesWritingAndReading) {
  for (uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    std::string text;
    append_utf8(text, code_point);
    std::string_view rest = text;
    const bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    ASSERT_EQ(take_code_point(rest), is_surrogate ? kInvalidCodePoint : code_point);
    if (!is_surrogate) {
      ASSERT_TRUE(rest.empty());
    }
  }
}

TEST(PairReader, ReadsPairsWithByteOrderMarkAndWindowsLineEnds) {
  TemporaryFolder folder;
  const auto path = folder.write("a.tsv", "\xEF\xBB\xBFum\tone\r\ndois\ttwo\ntr\xC3\xAAs\tthree");
  const PairFile file = read_tsv_pairs(path, "a.tsv");
  ASSERT_EQ(file.pairs.size(), 3u);
  EXPECT_EQ(file.pairs[0].source, "um");
  EXPECT_EQ(file.pairs[0].target, "one");
  EXPECT_EQ(file.pairs[2].source, "tr\xC3\xAAs");
  EXPECT_EQ(file.pairs[2].line, 3);
  EXPECT_EQ(file.report.bad(), 0);
}

TEST(PairReader, NamesUtf16WhicheverItsByteOrder) {
  TemporaryFolder folder;
  const auto good = folder.write("good.en", "one\n");
  for (const std::string& bytes :
       {std::string("\xFF\xFEu\0m\0\t\0o\0\n\0", 12), std::string("\xFE\xFF\0u\0m\0\t\0o\0\n", 12)}) {
    const auto path = folder.write("a.tsv", bytes);
    EXPECT_THAT(error_of([&] { read_tsv_pairs(path, "data/a.tsv"); }),
                HasSubstr("data/a.tsv: is UTF-16 by its byte order mark, expected UTF-8"));
    EXPECT_THAT(error_of([&] { read_parallel_pairs(good, "good.en", path, "a.pt"); }), HasSubstr("a.pt: is UTF-16"));
  }
}

TEST(PairReader, CountsEachKindOfBadLineWithItsFirstPlaces) {
  TemporaryFolder folder;
  const std::string long_side(kSideLimitBytes + 1, 'x');
  const auto path = folder.write("a.tsv",
                                 "good\tpair\n"
                                 "no tab\n"
                                 "a\tb\tc\n"
                                 "\tempty source\n"
                                 "empty target\t \xC2\xA0\n"
                                 "bad \xFF\tx\n"
                                 "\n1\n2\n3\n" +
                                     long_side + "\tx\nx\t" + long_side + "\n");
  const PairFile file = read_tsv_pairs(path, "the file");
  EXPECT_EQ(file.pairs.size(), 1u);
  const LineReport& report = file.report;
  EXPECT_EQ(report.lines, 12);
  EXPECT_EQ(report.bad(), 11);
  EXPECT_EQ(report.of(LineFault::kMissingTab).count, 5);
  EXPECT_THAT(report.of(LineFault::kMissingTab).places, ElementsAre("the file:2", "the file:7", "the file:8"));
  EXPECT_THAT(report.of(LineFault::kTooManyTabs).places, ElementsAre("the file:3"));
  EXPECT_THAT(report.of(LineFault::kEmptySource).places, ElementsAre("the file:4"));
  EXPECT_THAT(report.of(LineFault::kEmptyTarget).places, ElementsAre("the file:5"));
  EXPECT_THAT(report.of(LineFault::kInvalidUtf8).places, ElementsAre("the file:6"));
  EXPECT_THAT(report.of(LineFault::kLongSource).places, ElementsAre("the file:11"));
  EXPECT_THAT(report.of(LineFault::kLongTarget).places, ElementsAre("the file:12"));
  EXPECT_THAT(report.text(), HasSubstr("11 of 12 lines cannot be used"));
  EXPECT_THAT(report.text(),
              HasSubstr("\n  5 missing tab (expected source, tab, target): the file:2, the file:7, the file:8, …\n"));
}

TEST(LineReport, StopsOnlyAboveTheShareAllowed) {
  LineReport report;
  report.lines = 100;
  report.add(LineFault::kMissingTab, "f", 9);
  EXPECT_EQ(error_of([&] { report.check(0.01); }), "");
  report.add(LineFault::kEmptySource, "f", 11);
  EXPECT_THAT(error_of([&] { report.check(0.01); }), HasSubstr("1 missing tab (expected source, tab, target): f:9"));
}

TEST(PairReader, PairsLinesOfParallelFilesAndDropsBadOnesOnBothSides) {
  TemporaryFolder folder;
  const auto source = folder.write("a.pt", "um\n\ntr\xC3\xAAs\nquatro\n");
  const auto target = folder.write("a.en", "one\ntwo\nthree\nf\xFFur\n");
  const PairFile file = read_parallel_pairs(source, "a.pt", target, "a.en");
  ASSERT_EQ(file.pairs.size(), 2u);
  EXPECT_EQ(file.pairs[1].source, "tr\xC3\xAAs");
  EXPECT_EQ(file.pairs[1].target, "three");
  EXPECT_THAT(file.report.of(LineFault::kEmptySource).places, ElementsAre("a.pt:2"));
  EXPECT_THAT(file.report.of(LineFault::kInvalidUtf8).places, ElementsAre("a.en:4"));
}

TEST(PairReader, RefusesParallelFilesOfDifferentLengths) {
  TemporaryFolder folder;
  const auto source = folder.write("a.pt", "um\ndois\n");
  const auto target = folder.write("a.en", "one\ntwo\nthree\n");
  EXPECT_EQ(error_of([&] { read_parallel_pairs(source, "a.pt", target, "a.en"); }),
            "a.pt has 2 lines and a.en has 3: parallel files must have the same number");
}

TEST(PairReader, AnyBytesGivePairsOrFaultsForEveryLine) {
  TemporaryFolder folder;
  std::mt19937 random(1);
  const std::string alphabet = "a\t\n\r\xC3\xA7\xFF\xEF\xBB\xBF ";
  for (int round = 0; round < 100; ++round) {
    std::string bytes(random() % 300, ' ');
    for (char& c : bytes) c = alphabet[random() % alphabet.size()];
    const PairFile file = read_tsv_pairs(folder.write("fuzz.tsv", bytes), "f");
    ASSERT_EQ(file.report.lines, static_cast<int64_t>(file.pairs.size()) + file.report.bad());
    for (const SentencePair& pair : file.pairs) {
      ASSERT_TRUE(is_valid_utf8(pair.source) && is_valid_utf8(pair.target));
      ASSERT_FALSE(is_blank(pair.source) || is_blank(pair.target));
    }
  }
}

}  // namespace
}  // namespace podium
