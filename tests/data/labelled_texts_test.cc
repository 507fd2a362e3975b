#include "worker/data/labelled_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/data/class_weights.h"
#include "worker/data/labelled_splits.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> texts_of(const std::vector<LabelledText>& rows) {
  std::vector<std::string> texts;
  for (const LabelledText& row : rows) texts.push_back(row.text);
  return texts;
}

class LabelledTextsTest : public testing::Test {
 protected:
  LabelledTextsTest() { options_.fetch.cache_folder = folder_.path() / "cache"; }
  std::string file(const std::string& name, const std::string& content) {
    return folder_.write(name, content).string();
  }
  // `count` texts in groups of three.
  std::string numbered(int count, bool reversed = false) {
    std::string content = "page,text,label\n";
    for (int i = 0; i < count; ++i) {
      const int n = reversed ? count - 1 - i : i;
      content += fmt::format("page {},text {},{}\n", n / 3, n, n % 2 == 0 ? "even" : "odd");
    }
    return content;
  }
  std::string error() {
    return error_of([&] { load_labelled_texts(options_); });
  }

  TemporaryFolder folder_;
  LabelledTextsOptions options_;
};

TEST_F(LabelledTextsTest, LabelsAreSortedWhateverTheirOrder) {
  options_.train = {file("a.csv", "text,label\n1,writer\n2,calc\n3, draw \n4,calc\n")};
  const LabelledTexts texts = load_labelled_texts(options_);
  EXPECT_THAT(texts.labels, ElementsAre("calc", "draw", "writer"));
  EXPECT_FALSE(texts.multi_label);
  EXPECT_THAT(texts.train[0].labels, ElementsAre(2));
  EXPECT_THAT(texts.train[2].labels, ElementsAre(1));
  EXPECT_THAT(label_counts(texts.train, 3), ElementsAre(2, 1, 1));
}

TEST_F(LabelledTextsTest, SeveralLabelsStandInOneColumn) {
  options_.label_delimiter = ", ";
  options_.train = {file("a.csv", "text,label\n1,\"b, a\"\n2,\n3,\"c, b, c\"\n"),
                    file("b.jsonl", "{\"text\": \"4\", \"label\": [\"d\", \"a\"]}\n")};
  LabelledTexts texts = load_labelled_texts(options_);
  EXPECT_TRUE(texts.multi_label);
  EXPECT_THAT(texts.labels, ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(texts.train[0].labels, ElementsAre(0, 1));
  EXPECT_THAT(texts.train[1].labels, IsEmpty());
  EXPECT_THAT(texts.train[2].labels, ElementsAre(1, 2));
  EXPECT_THAT(texts.train[3].labels, ElementsAre(0, 3));
  options_.other_label_name = "other";
  texts = load_labelled_texts(options_);
  EXPECT_EQ(texts.labels.back(), "other");
  EXPECT_THAT(texts.train[1].labels, ElementsAre(4));
}

TEST_F(LabelledTextsTest, OrInColumnsOfTheirOwn) {
  options_.label_column = "";
  options_.label_list = {"spam", "ad"};
  options_.max_bad_fraction = 0.5;
  options_.train = {file("a.csv", "ad,text,spam\n1,one,0\nTRUE,two,true\n,three,FALSE\n0,four,2\n")};
  LabelledTexts texts = load_labelled_texts(options_);
  EXPECT_TRUE(texts.multi_label);
  EXPECT_THAT(texts.labels, ElementsAre("ad", "spam"));
  EXPECT_THAT(texts.train[0].labels, ElementsAre(0));
  EXPECT_THAT(texts.train[1].labels, ElementsAre(0, 1));
  EXPECT_THAT(texts.train[2].labels, IsEmpty());
  EXPECT_EQ(texts.report.of(LineFault::kNotBinary).count, 1);
  options_.other_label_name = "neither";
  texts = load_labelled_texts(options_);
  EXPECT_THAT(texts.labels, ElementsAre("ad", "neither", "spam"));
  EXPECT_THAT(texts.train[1].labels, ElementsAre(0, 2));
  EXPECT_THAT(texts.train[2].labels, ElementsAre(1));
}

TEST_F(LabelledTextsTest, AListOfLabelsMakesTheRestOther) {
  options_.label_list = {"b", "a", "unused"};
  options_.max_bad_fraction = 1;
  options_.train = {file("a.csv", "text,label\n1,a\n2,b\n3,c\n4,\n")};
  LabelledTexts texts = load_labelled_texts(options_);
  EXPECT_THAT(texts.labels, ElementsAre("a", "b", "unused"));
  EXPECT_EQ(texts.train.size(), 2u);
  EXPECT_THAT(texts.report.of(LineFault::kUnknownLabel).places, ElementsAre(HasSubstr("a.csv:4")));
  EXPECT_THAT(texts.report.of(LineFault::kEmptyLabel).places, ElementsAre(HasSubstr("a.csv:5")));
  options_.other_label_name = "rest";
  texts = load_labelled_texts(options_);
  EXPECT_THAT(texts.labels, ElementsAre("a", "b", "rest", "unused"));
  EXPECT_THAT(label_counts(texts.train, 4), ElementsAre(1, 1, 2, 0));
}

TEST_F(LabelledTextsTest, LabelsOfHeldOutFilesAreThoseOfTraining) {
  options_.max_bad_fraction = 1;
  options_.train = {file("train.csv", "text,label\n1,a\n2,b\n")};
  options_.test = {file("test.tsv", "label\ttext\nb\tx\nnew\ty\n")};
  LabelledTexts texts = load_labelled_texts(options_);
  EXPECT_THAT(texts.labels, ElementsAre("a", "b"));
  EXPECT_THAT(texts_of(texts.test), ElementsAre("x"));
  EXPECT_THAT(texts.report.of(LineFault::kUnknownLabel).places, ElementsAre(HasSubstr("test.tsv:3")));
  options_.other_label_name = "b";
  texts = load_labelled_texts(options_);
  EXPECT_THAT(texts_of(texts.test), ElementsAre("x", "y"));
  EXPECT_THAT(texts.test[1].labels, ElementsAre(1));
}

TEST_F(LabelledTextsTest, SplitsByGroupInSharesOrNumbers) {
  options_.group_column = "page";
  options_.test_size = 0.1;
  options_.validation_size = 7;
  options_.train = {file("a.csv", numbered(300))};
  const LabelledTexts texts = load_labelled_texts(options_);
  EXPECT_EQ(texts.test.size(), 30u);
  EXPECT_EQ(texts.validation.size(), 21u);
  EXPECT_EQ(texts.train.size(), 249u);
  std::set<std::string> groups[3];
  for (const auto& row : texts.train) groups[0].insert(row.group);
  for (const auto& row : texts.validation) groups[1].insert(row.group);
  for (const auto& row : texts.test) groups[2].insert(row.group);
  EXPECT_EQ(groups[0].size() + groups[1].size() + groups[2].size(), 100u);
  std::set<std::string> all;
  for (const auto& part : groups) all.insert(part.begin(), part.end());
  EXPECT_EQ(all.size(), 100u);
  EXPECT_EQ(texts.test_file, options_.train[0]);
}

TEST_F(LabelledTextsTest, TheSplitFollowsRandomStateAndNotTheOrder) {
  options_.test_size = 0.25;
  options_.train = {file("a.csv", numbered(200))};
  const LabelledTexts first = load_labelled_texts(options_);
  EXPECT_EQ(load_labelled_texts(options_).sha256, first.sha256);
  file("a.csv", numbered(200, true));
  const auto texts = texts_of(load_labelled_texts(options_).test);
  EXPECT_THAT(texts, testing::UnorderedElementsAreArray(texts_of(first.test)));
  EXPECT_NE(texts, texts_of(first.test));
  options_.random_state = 2;
  EXPECT_THAT(texts_of(load_labelled_texts(options_).test),
              testing::Not(testing::UnorderedElementsAreArray(texts_of(first.test))));
}

TEST(HeldOutUnits, AreRoundedAsScikitLearnDoes) {
  EXPECT_EQ(held_out_units(0.1, 10, "test_size"), 1);
  EXPECT_EQ(held_out_units(0.1, 11, "test_size"), 2);
  EXPECT_EQ(held_out_units(0.3, 10, "test_size"), 3);
  EXPECT_EQ(held_out_units(0, 10, "test_size"), 0);
  EXPECT_EQ(held_out_units(1, 10, "test_size"), 1);
  EXPECT_THAT(error_of([] { held_out_units(11, 10, "test_size"); }), HasSubstr("test_size: found 11"));
  EXPECT_THAT(error_of([] { held_out_units(1.5, 10, "test_size"); }), HasSubstr("test_size: found 1.5"));
  EXPECT_THAT(error_of([] { held_out_units(-1, 10, "test_size"); }), HasSubstr("test_size: found -1"));
}

TEST_F(LabelledTextsTest, HeldOutTextsAreDroppedFromTraining) {
  options_.train = {file("train.csv", "text,label\na,x\nb,y\nc,x\nd,y\n")};
  options_.validation = {file("validation.csv", "text,label\nb,y\nc,x\n")};
  options_.test = {file("test.csv", "text,label\nc,x\n")};
  const LabelledTexts texts = load_labelled_texts(options_);
  EXPECT_THAT(texts_of(texts.train), ElementsAre("a", "d"));
  EXPECT_THAT(texts_of(texts.validation), ElementsAre("b"));
  EXPECT_THAT(texts_of(texts.test), ElementsAre("c"));
  EXPECT_EQ(texts.dropped_leaks, 3);
}

TEST_F(LabelledTextsTest, TheHashTellsEveryDifference) {
  std::set<std::string> hashes;
  for (const char* content : {"text,label\na,x\nb,y\n", "text,label\nb,y\na,x\n", "text,label\na,y\nb,x\n",
                              "text,label\na,x\nb,z\n", "text,label\nab,x\nb,y\n", "text,label\na,x\nb,y\nb,y\n"}) {
    options_.train = {file("a.csv", content)};
    hashes.insert(load_labelled_texts(options_).sha256);
  }
  options_.label_delimiter = "|";
  hashes.insert(load_labelled_texts(options_).sha256);
  EXPECT_EQ(hashes.size(), 7u);
}

TEST_F(LabelledTextsTest, ReadsPackedFiles) {
  const std::string packed = folder_.path() / "train.jsonl.gz";
  gzFile gzip = gzopen(packed.c_str(), "wb");
  gzputs(gzip, "{\"text\": \"a\", \"label\": 0}\n{\"text\": \"b\", \"label\": 1}\n");
  gzclose(gzip);
  options_.train = {packed};
  EXPECT_THAT(load_labelled_texts(options_).labels, ElementsAre("0", "1"));
  options_.fetch.sha256 = std::string(64, '0');
  EXPECT_THAT(error(), HasSubstr("train.jsonl.gz"));
}

TEST_F(LabelledTextsTest, SaysWhatIsWrong) {
  options_.train = {file("a.csv", "text,label\n,x\nb,\n")};
  EXPECT_THAT(error(), AllOf(HasSubstr("2 of 2 records cannot be used"), HasSubstr("1 empty text: "),
                             HasSubstr("1 empty label: "), HasSubstr("max_bad_fraction")));
  options_.train = {file("a.csv", "text,label\na,x\nb,x\n")};
  EXPECT_THAT(error(), HasSubstr("a.csv: found 1 labels, expected at least 2"));
  options_.train = {file("a.csv", numbered(10))};
  options_.test_size = 0.5;
  options_.validation_size = 5;
  EXPECT_THAT(error(), HasSubstr("leave nothing to train on: there are 10 groups"));
  options_.group_column = "chapter";
  EXPECT_THAT(error(), HasSubstr("a.csv:1: there is no column 'chapter'"));
  options_.group_column = "";
  options_.label_column = "";
  EXPECT_THAT(error(), HasSubstr("label_list must name the columns"));
  options_.train = {};
  options_.label_column = "label";
  options_.test_size = options_.validation_size = 0;
  EXPECT_THAT(error(), HasSubstr("no texts to train on"));
  std::string many = "text,label\n";
  for (size_t i = 0; i <= kLabelLimit; ++i) many += fmt::format("{},{}\n", i, i);
  options_.train = {file("a.csv", many)};
  EXPECT_THAT(error(), HasSubstr("a.csv: 'label' has 10001 different labels, at most 10000"));
}

TEST(ClassWeights, AreThoseOfScikitLearn) {
  const auto golden =
      nlohmann::json::parse(read_file(fs::path(PODIUM_SOURCE_DIR) / "tests/golden/metrics/classification.json"));
  int compared = 0;
  for (const auto& expected : golden["cases"]) {
    if (!expected.contains("weights")) continue;
    SCOPED_TRACE(expected["name"]);
    std::vector<int64_t> counts(expected["names"].size());
    for (const auto& labels : expected["expected"]) ++counts[labels[0].get<size_t>()];
    const std::vector<double> weights = balanced_class_weights(counts);
    for (size_t i = 0; i < counts.size(); ++i)
      EXPECT_NEAR(weights[i], expected["weights"].value(std::to_string(i), 0.0), 1e-12);
    ++compared;
  }
  EXPECT_GE(compared, 15);
}

}  // namespace
}  // namespace podium
