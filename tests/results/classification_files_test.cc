// What is written about a classifier: against scikit-learn's text, and read back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <nlohmann/json.hpp>

#include "tests/temporary_folder.h"
#include "worker/console/display_text.h"
#include "worker/data/table_reader.h"
#include "worker/results/classification_json.h"
#include "worker/results/classification_table.h"
#include "worker/results/confusion_picture.h"
#include "worker/results/label_table.h"
#include "worker/results/predictions_csv.h"

namespace podium {
namespace {

using testing::ElementsAre;
using Strings = std::vector<std::string>;

TEST(ClassificationTable, IsThatOfScikitLearn) {
  const auto golden =
      nlohmann::json::parse(read_file(fs::path(PODIUM_SOURCE_DIR) / "tests/golden/metrics/classification.json"));
  ASSERT_GE(golden["cases"].size(), 35u);
  for (const auto& expected : golden["cases"]) {
    SCOPED_TRACE(expected["name"]);
    const auto names = expected["names"].get<Strings>();
    const ClassificationScores scores = classification_scores(expected["expected"].get<std::vector<LabelIds>>(),
                                                              expected["predicted"].get<std::vector<LabelIds>>(),
                                                              names.size(), expected["several"].get<bool>());
    EXPECT_EQ(classification_table(names, scores), expected["table"].get<std::string>());
    EXPECT_EQ(classification_table(names, scores, 4), expected["table_4_digits"].get<std::string>());
  }
}

const std::vector<LabelIds> kExpected{{0}, {1}, {1}, {2}}, kPredicted{{0}, {1}, {2}, {2}};

TEST(ClassificationTable, WideLettersTakeTwoColumnsAndNothingReachesTheTerminal) {
  const Strings labels{"表計算ドキュメントの編集", "문서", "a\x1b[31m"};
  const std::string table = classification_table(labels, classification_scores(kExpected, kPredicted, 3, false));
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
  std::set<int> widths;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) widths.insert(display_columns(line));
  EXPECT_THAT(widths, ElementsAre(24 + 1 + 4 * 10));
}

TEST(LabelTable, CountsTheTextsOfEachPart) {
  LabelledTexts texts;
  texts.labels = {"calc", "文書"};
  texts.train = {{"a", {0}, ""}, {"b", {0, 1}, ""}, {"c", {}, ""}};
  texts.test = {{"d", {1}, ""}};
  EXPECT_EQ(label_table(texts),
            "label      train validation       test\n"
            "calc           2          0          0\n"
            "文書           1          0          1\n"
            "texts          3          0          1\n");
}

TEST(ClassificationJson, HoldsEveryNumber) {
  const Strings labels{
      "fran\xC3\xA7"
      "ais",
      "\"quoted\"", "日本"};
  const ClassificationScores scores = classification_scores(kExpected, kPredicted, 3, false);
  const auto json = nlohmann::json::parse(metrics_json(labels, scores));
  EXPECT_EQ(json["texts"], 4);
  EXPECT_EQ(json["accuracy"], 0.75);
  EXPECT_EQ(json["macro"]["f1"].get<double>(), scores.macro.f1);
  EXPECT_EQ(json["weighted"]["recall"].get<double>(), scores.weighted.recall);
  EXPECT_EQ(json["micro"]["support"], 4);
  EXPECT_EQ(json["labels"]["\"quoted\""]["recall"], 0.5);
  EXPECT_EQ(json["labels"]["日本"]["precision"], 0.5);
  EXPECT_FALSE(json.contains("samples"));
  EXPECT_TRUE(nlohmann::json::parse(metrics_json(labels, classification_scores(kExpected, kPredicted, 3, true)))
                  .contains("samples"));
}

TEST(ClassificationJson, ConfusionsHaveARowALabel) {
  const auto json = nlohmann::json::parse(confusion_json({"a", "b", "c"}, confusion_matrix(kExpected, kPredicted, 3)));
  EXPECT_EQ(json["labels"], (Strings{"a", "b", "c"}));
  EXPECT_EQ(json["matrix"], nlohmann::json::parse("[[1,0,0],[0,1,1],[0,0,1]]"));
}

// The picture's pixels as 8-bit grey, row by row.
std::vector<uint8_t> grey(const std::string& png, int& width) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_memory(&image, png.data(), png.size()), 0) << image.message;
  image.format = PNG_FORMAT_GRAY;
  std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(image));
  EXPECT_NE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr), 0) << image.message;
  width = static_cast<int>(image.width);
  return pixels;
}

TEST(ConfusionPicture, ShowsTheShareOfEachRow) {
  const auto dark = [](const std::vector<int64_t>& matrix) {
    int width = 0;
    const auto pixels = grey(confusion_png({"a", "b"}, matrix), width);
    return std::count_if(pixels.begin(), pixels.end(), [](uint8_t pixel) { return pixel < 60; });
  };
  // Whole rows in one cell: two wholly dark cells of 33 x 33 pixels, whatever the counts are.
  EXPECT_GT(dark({5, 0, 0, 7000}), 2 * 30 * 30);
  EXPECT_LT(dark({5, 5, 7000, 7000}), 33 * 33);
  EXPECT_LT(dark({0, 0, 0, 0}), 33 * 33);
}

TEST(ConfusionPicture, ManyLabelsAreCut) {
  const std::vector<int64_t> matrix(300 * 300, 1);
  int width = 0;
  grey(confusion_png(Strings(300, "label"), matrix), width);
  EXPECT_LT(width, 5000);
}

TEST(PredictionsCsv, IsReadBackAsItWas) {
  const Strings labels{"calc", "a, b", "\"q\""}, texts{"plain", "a \"quote\", a comma", "two\nlines", " edge "};
  const std::vector<LabelIds> expected{{0}, {1, 2}, {}, {1}}, predicted{{0, 1}, {2}, {1}, {}};
  const std::vector<float> probabilities{0.75f, 0.5f, 0, 0, 0, 1, 0.1f, 0.625f, 0.2f, 0, 0, 0};
  TemporaryFolder folder;
  const auto path = folder.write(
      "p.csv", predictions_csv({"text", "module", "guess", "|"}, labels, texts, expected, predicted, probabilities));
  TableReader reader(path, "p.csv", {"text", "module", "guess", "probability"});
  std::vector<Strings> rows;
  while (auto record = reader.next()) rows.push_back(record->values);
  EXPECT_THAT(rows,
              ElementsAre(ElementsAre("plain", "calc", "calc|a, b", "0.7500|0.5000"),
                          ElementsAre("a \"quote\", a comma", "a, b|\"q\"", "\"q\"", "1.0000"),
                          ElementsAre("two\nlines", "", "a, b", "0.6250"), ElementsAre(" edge ", "a, b", "", "")));
  EXPECT_EQ(reader.report().bad(), 0);
}

}  // namespace
}  // namespace podium
