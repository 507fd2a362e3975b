#include "worker/data/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <set>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"

namespace podium {
namespace {

using testing::HasSubstr;

std::string numbered_pairs(int first, int count) {
  std::string text;
  for (int i = first; i < first + count; ++i) text += fmt::format("origem {}\tsource {}\n", i, i);
  return text;
}

class CorpusTest : public testing::Test {
 protected:
  CorpusTest() { options_.fetch.cache_folder = folder_.path() / "cache"; }
  std::string file(const std::string& name, const std::string& content) {
    return folder_.write(name, content).string();
  }

  TemporaryFolder folder_;
  CorpusOptions options_;
};

TEST_F(CorpusTest, DropsWhatTrainingKnowsFromValidationAndTest) {
  options_.train = {file("train.tsv", numbered_pairs(0, 10))};
  options_.validation = {file("validation.tsv", "origem 3\tother\nnovo\tnew\n")};
  options_.test = {file("test.tsv", "outro\tsource 4\nnovo\tnew\nmais\tmore\n")};
  const Corpus corpus = load_corpus(options_);
  EXPECT_EQ(corpus.train.size(), 10u);
  ASSERT_EQ(corpus.validation.size(), 1u);
  EXPECT_EQ(corpus.validation[0].source, "novo");
  EXPECT_EQ(corpus.test.size(), 2u);
  EXPECT_EQ(corpus.dropped_leaks, 2);
  EXPECT_EQ(corpus.validation_file, options_.validation[0]);
}

TEST_F(CorpusTest, SplitsOneFileBySeedAndKeepsEveryPairOnce) {
  options_.train = {file("all.tsv", numbered_pairs(0, 2000))};
  options_.validation_fraction = 0.1;
  options_.test_fraction = 0.2;
  const Corpus corpus = load_corpus(options_);
  EXPECT_NEAR(static_cast<double>(corpus.validation.size()), 200, 60);
  EXPECT_NEAR(static_cast<double>(corpus.test.size()), 400, 80);
  std::set<std::string> sources;
  for (const auto* part : {&corpus.train, &corpus.validation, &corpus.test}) {
    for (const SentencePair& pair : *part) sources.insert(pair.source);
  }
  EXPECT_EQ(sources.size(), 2000u);
  EXPECT_EQ(load_corpus(options_).sha256, corpus.sha256);
  EXPECT_EQ(corpus.test_file, options_.train[0]);
  options_.split_seed = 2;
  EXPECT_NE(load_corpus(options_).sha256, corpus.sha256);
}

TEST_F(CorpusTest, PairsStayInTheirPartWhenLinesAreAdded) {
  options_.validation_fraction = 0.3;
  options_.train = {file("all.tsv", numbered_pairs(0, 100))};
  const Corpus small = load_corpus(options_);
  file("all.tsv", numbered_pairs(100, 100) + numbered_pairs(0, 100));
  std::set<std::string> validation;
  for (const SentencePair& pair : load_corpus(options_).validation) validation.insert(pair.source);
  for (const SentencePair& pair : small.validation) EXPECT_TRUE(validation.contains(pair.source));
}

TEST_F(CorpusTest, StopsWithTheReportWhenTooManyLinesAreBad) {
  options_.train = {file("train.tsv", numbered_pairs(0, 98) + "bad\nworse\n")};
  EXPECT_THAT(error_of([&] { load_corpus(options_); }),
              testing::AllOf(HasSubstr("2 of 100 lines"), HasSubstr("train.tsv:99"), HasSubstr("max_bad_fraction")));
  options_.max_bad_fraction = 0.02;
  const Corpus corpus = load_corpus(options_);
  EXPECT_EQ(corpus.train.size(), 98u);
  EXPECT_EQ(corpus.report.bad(), 2);
}

TEST_F(CorpusTest, ReadsPackedAndParallelFiles) {
  const std::string packed = folder_.path() / "train.tsv.gz";
  gzFile gzip = gzopen(packed.c_str(), "wb");
  const std::string text = numbered_pairs(0, 5);
  gzwrite(gzip, text.data(), static_cast<unsigned>(text.size()));
  gzclose(gzip);
  options_.train = {packed};
  options_.test = {file("test.pt", "um\ndois\n"), file("test.en", "one\ntwo\n")};
  const Corpus corpus = load_corpus(options_);
  EXPECT_EQ(corpus.train.size(), 5u);
  EXPECT_EQ(corpus.test.size(), 2u);
}

TEST_F(CorpusTest, RefusesTrainingWithoutAnyPair) {
  options_.train = {file("empty.tsv", "")};
  EXPECT_THAT(error_of([&] { load_corpus(options_); }),
              HasSubstr("empty.tsv: is empty, expected lines of source, tab, target in UTF-8"));
  options_.train = {file("empty.fr", ""), file("empty.en", "")};
  EXPECT_THAT(error_of([&] { load_corpus(options_); }),
              HasSubstr("empty.fr: is empty, expected a sentence on each line"));
  options_.train = {file("blank.tsv", " \t \n")};
  options_.max_bad_fraction = 1;
  EXPECT_THAT(error_of([&] { load_corpus(options_); }),
              testing::AllOf(HasSubstr("blank.tsv: no pairs to train on"), HasSubstr("1 empty source")));
}

TEST_F(CorpusTest, NamesWhatStandsWhereAFileShould) {
  options_.train = {folder_.path() / "absent.tsv"};
  EXPECT_THAT(error_of([&] { load_corpus(options_); }), HasSubstr("absent.tsv: there is no such file"));
  options_.train = {folder_.path()};
  EXPECT_THAT(error_of([&] { load_corpus(options_); }), HasSubstr(": is a folder, a file was expected"));
}

}  // namespace
}  // namespace podium
