// Documents of text files and JSON lines, their parts, and the blocks that they are packed into.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "tests/temporary_folder.h"
#include "worker/data/bad_data.h"
#include "worker/data/document_corpus.h"
#include "worker/data/document_reader.h"
#include "worker/data/token_blocks.h"

namespace podium {
namespace {

using testing::ElementsAre;

class Documents : public testing::Test {
 protected:
  fs::path write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
    return folder_.path() / name;
  }
  DocumentFile read(const std::string& name, const std::string& content) const {
    return read_documents(write(name, content), name, "text");
  }
  TemporaryFolder folder_;
};

TEST_F(Documents, BlankLinesStandBetweenDocuments) {
  EXPECT_THAT(read("a.txt", "one\ntwo\n\n\n \t\nthree\r\n\r\nfour").documents,
              ElementsAre("one\ntwo", "three", "four"));
  EXPECT_THAT(read("b.txt", "\xEF\xBB\xBFone\n").documents, ElementsAre("one"));
  EXPECT_THAT(read("c.txt", "\n\n").documents, ElementsAre());
}

TEST_F(Documents, ADocumentThatIsNotUtf8IsLeftOutAndCounted) {
  const DocumentFile file = read("a.txt", "one\n\ntwo\nbad \xC3\nthree\n\nfour\n");
  EXPECT_THAT(file.documents, ElementsAre("one", "four"));
  EXPECT_EQ(file.report.lines, 7);
  EXPECT_EQ(file.report.of(LineFault::kInvalidUtf8).count, 1);
  EXPECT_THAT(file.report.of(LineFault::kInvalidUtf8).places, ElementsAre("a.txt:4"));
}

TEST_F(Documents, EachRecordOfATableIsADocument) {
  EXPECT_THAT(read("a.jsonl", "{\"id\": 1, \"text\": \"one\\n\\ntwo\"}\n{\"text\": \"three\"}\n").documents,
              ElementsAre("one\n\ntwo", "three"));
  EXPECT_THAT(read("a.csv", "id,text\n1,\"one, \"\"two\"\"\"\n2,three\n").documents,
              ElementsAre("one, \"two\"", "three"));
  const DocumentFile blank = read("b.jsonl", "{\"text\": \" \"}\n{\"text\": \"one\"}\n");
  EXPECT_THAT(blank.documents, ElementsAre("one"));
  EXPECT_EQ(blank.report.of(LineFault::kEmptyText).count, 1);
}

TEST_F(Documents, AreHeldOutByTheirTextAndNeverOnBothSides) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += fmt::format("document {}\n\n", i % 250);
  DocumentCorpusOptions options;
  options.train = {write("train.txt", text).string()};
  options.validation_fraction = 0.2;
  options.test_fraction = 0.1;
  const DocumentCorpus corpus = load_document_corpus(options);
  EXPECT_EQ(corpus.train.size() + corpus.validation.size() + corpus.test.size(), 300u);
  EXPECT_NEAR(static_cast<double>(corpus.validation.size()), 60, 25);
  EXPECT_NEAR(static_cast<double>(corpus.test.size()), 30, 20);
  const std::set<std::string> train(corpus.train.begin(), corpus.train.end());
  for (const auto* part : {&corpus.validation, &corpus.test})
    for (const std::string& document : *part) EXPECT_FALSE(train.contains(document)) << document;
  EXPECT_EQ(load_document_corpus(options).sha256, corpus.sha256);
  options.split_seed = 2;
  EXPECT_NE(load_document_corpus(options).sha256, corpus.sha256);
}

TEST_F(Documents, OfValidationFilesThatOccurInTrainingAreDropped) {
  DocumentCorpusOptions options;
  options.train = {write("a.txt", "one\n\ntwo\n").string(), write("b.txt", "three\n").string()};
  options.validation = {write("v.txt", "two\n\nfour\n").string()};
  const DocumentCorpus corpus = load_document_corpus(options);
  EXPECT_THAT(corpus.train, ElementsAre("one", "two", "three"));
  EXPECT_THAT(corpus.validation, ElementsAre("four"));
  EXPECT_EQ(corpus.dropped_leaks, 1);
  options.train = {write("empty.txt", "\n").string()};
  EXPECT_THROW(load_document_corpus(options), BadData);
}

TEST(TokenBlocks, PredictEachTokenOnceAndFollowEachOther) {
  constexpr int32_t kEnd = 99;
  TokenBlocks blocks(4, kEnd);
  blocks.append({1, 2, 3}, false);
  blocks.append({}, false);
  blocks.append({4, 5, 6}, true);
  EXPECT_EQ(blocks.tokens(), 9);
  ASSERT_EQ(blocks.count(), 3);
  EXPECT_THAT(blocks.input(0), ElementsAre(kEnd, 1, 2, 3));
  EXPECT_THAT(blocks.labels(0), ElementsAre(1, 2, 3, kEnd));
  EXPECT_THAT(blocks.input(1), ElementsAre(kEnd, kEnd, 6, 5));
  EXPECT_THAT(blocks.labels(1), ElementsAre(kEnd, 6, 5, 4));
  EXPECT_THAT(blocks.input(2), ElementsAre(4));
  EXPECT_THAT(blocks.labels(2), ElementsAre(kEnd));
  EXPECT_EQ(blocks.sizes()[2].target, 1);

  Shard shard;
  const std::vector<int32_t> chosen = {2, 0};
  blocks.fill(chosen, shard);
  EXPECT_THAT(shard.target_input.tokens, ElementsAre(4, kEnd, 1, 2, 3));
  EXPECT_THAT(shard.target_input.position, ElementsAre(0, 0, 1, 2, 3));
  EXPECT_THAT(shard.labels, ElementsAre(kEnd, 1, 2, 3, kEnd));
  const std::vector<Shard> shards = shards_of(blocks, 5);
  ASSERT_EQ(shards.size(), 2u);
  EXPECT_EQ(shards[0].labels.size(), 8u);
  EXPECT_EQ(shards[1].labels.size(), 1u);
  EXPECT_EQ(TokenBlocks(4, kEnd).count(), 0);
}

}  // namespace
}  // namespace podium
