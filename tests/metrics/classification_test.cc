// Scores of classifiers against what scikit-learn says about the same cases
// (tests/oracles/make_classification_golden.py).
#include "worker/metrics/classification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "worker/base/file.h"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

nlohmann::json golden() {
  return nlohmann::json::parse(read_file(fs::path(PODIUM_SOURCE_DIR) / "tests/golden/metrics/classification.json"));
}

void expect_score(const LabelScore& score, const nlohmann::json& expected) {
  EXPECT_NEAR(score.precision, expected["precision"].get<double>(), 1e-12);
  EXPECT_NEAR(score.recall, expected["recall"].get<double>(), 1e-12);
  EXPECT_NEAR(score.f1, expected["f1"].get<double>(), 1e-12);
}

TEST(Classification, ScoresAreThoseOfScikitLearn) {
  const auto file = golden();
  EXPECT_EQ(file["scikit-learn"].get<std::string>(), kScikitLearnVersion);
  ASSERT_GE(file["cases"].size(), 35u);
  for (const auto& expected : file["cases"]) {
    SCOPED_TRACE(expected["name"]);
    const bool several = expected["several"].get<bool>();
    const ClassificationScores scores =
        classification_scores(expected["expected"].get<std::vector<LabelIds>>(),
                              expected["predicted"].get<std::vector<LabelIds>>(), expected["names"].size(), several);
    ASSERT_EQ(scores.labels.size(), expected["labels"].size());
    for (size_t i = 0; i < scores.labels.size(); ++i) {
      expect_score(scores.labels[i], expected["labels"][i]);
      EXPECT_EQ(static_cast<double>(scores.labels[i].support), expected["labels"][i]["support"].get<double>());
    }
    expect_score(scores.micro, expected["averages"]["micro"]);
    expect_score(scores.macro, expected["averages"]["macro"]);
    expect_score(scores.weighted, expected["averages"]["weighted"]);
    ASSERT_EQ(scores.samples.has_value(), several);
    if (several) expect_score(*scores.samples, expected["averages"]["samples"]);
    EXPECT_NEAR(scores.accuracy, expected["accuracy"].get<double>(), 1e-12);
  }
}

TEST(Classification, ConfusionsAreThoseOfScikitLearn) {
  int compared = 0;
  const auto file = golden();
  for (const auto& expected : file["cases"]) {
    if (!expected.contains("confusion")) continue;
    SCOPED_TRACE(expected["name"]);
    std::vector<int64_t> counts;
    for (const auto& row : expected["confusion"]) counts.insert(counts.end(), row.begin(), row.end());
    EXPECT_EQ(confusion_matrix(expected["expected"].get<std::vector<LabelIds>>(),
                               expected["predicted"].get<std::vector<LabelIds>>(), expected["names"].size()),
              counts);
    ++compared;
  }
  EXPECT_GE(compared, 15);
}

TEST(Classification, ScoresHaveScikitLearnsNames) {
  const std::vector<LabelIds> expected{{0}, {1}, {1}, {1}}, predicted{{0}, {1}, {0}, {1}};
  const ClassificationScores one = classification_scores(expected, predicted, 2, false);
  EXPECT_EQ(classification_score(one, "accuracy"), 0.75);
  EXPECT_EQ(classification_score(one, "f1_micro"), 0.75);
  EXPECT_EQ(classification_score(one, "precision_macro"), 0.75);
  EXPECT_EQ(classification_score(one, "recall_weighted"), one.weighted.recall);
  EXPECT_EQ(classification_score(one, "f1_samples"), std::nullopt);
  EXPECT_EQ(classification_score(one, "f1"), std::nullopt);
  EXPECT_EQ(classification_score(one, "loss_macro"), std::nullopt);
  EXPECT_EQ(classification_score(classification_scores(expected, predicted, 2, true), "f1_samples"), 0.75);
}

TEST(Classification, OfNothingIsZero) {
  const ClassificationScores scores = classification_scores({}, {}, 2, true);
  EXPECT_EQ(scores.texts, 0);
  for (double value : {scores.accuracy, scores.micro.f1, scores.macro.f1, scores.weighted.f1, scores.samples->f1})
    EXPECT_EQ(value, 0);
}

TEST(Classification, PredictsTheLikeliestOrAllAboveTheThreshold) {
  EXPECT_THAT(likeliest_label(std::vector<float>{0.2f, 0.4f, 0.4f}), ElementsAre(1));
  const std::vector<float> probabilities{0.5f, 0.49f, 0.9f, 0};
  EXPECT_THAT(labels_from(probabilities, 0.5), ElementsAre(0, 2));
  EXPECT_THAT(labels_from(probabilities, 0.95), IsEmpty());
  EXPECT_THAT(labels_from(probabilities, 0), ElementsAre(0, 1, 2, 3));
}

}  // namespace
}  // namespace podium
