// `test --score` as a person uses it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/decode/trained_model.h"

namespace podium {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

class Score : public TestProgram {
 protected:
  void SetUp() override {
    write("input.txt", "kabra lotin misul\ntepum rolen\nnagos\n");
    write("own.txt", translate({"--input", "input.txt"}).output);
  }
  // The numbers that the lines begin with, for each metric.
  static std::string pattern(int references, const std::string& bleu, const std::string& chrf) {
    return fmt::format(
        "BLEU\\|nrefs:{0}\\|case:mixed\\|eff:no\\|tok:13a\\|smooth:exp\\|version:2.6.0 = {1} [^\n]*\n"
        "chrF2\\|nrefs:{0}\\|case:mixed\\|eff:yes\\|nc:6\\|nw:0\\|space:no\\|version:2.6.0 = {2}\n"
        "chrF2\\+\\+\\|nrefs:{0}\\|case:mixed\\|eff:yes\\|nc:6\\|nw:2\\|space:no\\|version:2.6.0 = {2}\n",
        references, bleu, chrf);
  }
};

TEST_F(Score, PrintsBleuAndChrfOnALineEach) {
  write("other.txt", "zz\nzz\nzz\n");
  EXPECT_THAT(translate({"--input", "input.txt", "--score", "own.txt"}).output,
              MatchesRegex(pattern(1, "[0-9.]+", "100.0")));
  EXPECT_THAT(translate({"--input", "input.txt", "--score", "other.txt"}).output,
              MatchesRegex(pattern(1, "[0-9.]+", "0.0")));
}

TEST_F(Score, ABomAndCarriageReturnsAreNoText) {
  std::string lines = read_file(folder_.path() / "own.txt");
  for (size_t at = 0; (at = lines.find('\n', at)) != std::string::npos; at += 2) lines.insert(at, "\r");
  write("windows.txt", "\xEF\xBB\xBF" + lines);
  EXPECT_EQ(translate({"--input", "input.txt", "--score", "windows.txt"}).output,
            translate({"--input", "input.txt", "--score", "own.txt"}).output);
}

TEST_F(Score, TakesSeveralReferences) {
  write("other.txt", "zz\n\nzz\n");
  EXPECT_THAT(translate({"--input", "input.txt", "--score", "other.txt", "--score", "own.txt"}).output,
              MatchesRegex(pattern(2, "[0-9.]+", "100.0")));
}

TEST_F(Score, TakesSourcesAndReferencesFromATable) {
  std::string table, wide;
  const std::string own = read_file(folder_.path() / "own.txt");
  size_t begin = 0;
  for (const char* source : {"kabra lotin misul", "tepum rolen", "nagos"}) {
    const std::string translation = own.substr(begin, own.find('\n', begin) - begin);
    begin += translation.size() + 1;
    table += fmt::format("{}\t{}\n", source, translation);
    wide += fmt::format("{}\tzz\t{}\r\n", source, translation);
  }
  write("test.tsv", table);
  write("wide.tsv", wide);
  EXPECT_EQ(translate({"--score", "test.tsv"}).output,
            translate({"--input", "input.txt", "--score", "own.txt"}).output);
  EXPECT_THAT(translate({"--score", "wide.tsv"}).output, MatchesRegex(pattern(2, "[0-9.]+", "100.0")));
}

TEST_F(Score, NamesFileAndLine) {
  write("two.txt", "a\nb\n");
  write("empty.txt", "");
  write("bytes.txt", "a\nb\xff\nc\n");
  write("untabbed.tsv", "a\tb\nc\n");
  write("ragged.tsv", "a\tb\tc\na\tb\n");
  write("bytes.tsv", "a\tb\n\xc3\tb\n");
  write("test.tsv", "a\tb\n");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--score", "two.txt"}, "two.txt: 2 lines, but 3 sentences were translated"},
      {{"--score", "own.txt", "--score", "two.txt"}, "own.txt has 3 lines and two.txt has 2: "},
      {{"--score", "empty.txt"}, "empty.txt: is empty"},
      {{"--score", "bytes.txt"}, "bytes.txt:2: is not UTF-8 text"},
      {{"--score", "untabbed.tsv"}, "untabbed.tsv:2: no tab, expected a source, a tab and a reference"},
      {{"--score", "ragged.tsv"}, "ragged.tsv:2: 2 columns, expected 3 as in line 1"},
      {{"--score", "bytes.tsv"}, "bytes.tsv:2: is not UTF-8 text"},
      {{"--score", "nothing.tsv"}, "nothing.tsv: "},
      {{"--score", "test.tsv"}, "--input input.txt: test.tsv brings the sentences"},
      {{"--score", "own.txt", "--score", "test.tsv"}, "--score test.tsv: a .tsv file brings all references"}};
  for (const auto& [options, message] : cases) {
    std::vector<std::string> arguments = {"--input", "input.txt"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Finished failed = translate(arguments);
    EXPECT_EQ(failed.end, exited(1)) << message;
    EXPECT_THAT(failed.errors, StartsWith("test: " + message));
    EXPECT_EQ(failed.output, "");
  }
}

}  // namespace
}  // namespace podium
