#include "worker/train/early_stopping.h"

#include <gtest/gtest.h>

#include <cmath>

namespace podium {
namespace {

std::vector<ValidationRecord> losses(const std::vector<double>& values) {
  std::vector<ValidationRecord> records;
  for (double value : values) {
    ValidationRecord record;
    record.loss = value;
    record.accuracy = 1 - value / 10;
    record.metrics = {{"bleu", 20 - value}};
    records.push_back(record);
  }
  return records;
}

int64_t waited(const std::vector<double>& values, double minimum = 0, Metric metric = Metric::kValidationLoss) {
  return validations_without_improvement(losses(values), metric, minimum);
}

TEST(EarlyStopping, CountsTheValidationsSinceTheBest) {
  EXPECT_EQ(waited({}), 0);
  EXPECT_EQ(waited({5}), 0);
  EXPECT_EQ(waited({5, 5}), 1);
  EXPECT_EQ(waited({5, 6, 5.5}), 2);
  EXPECT_EQ(waited({5, 6, 4}), 0);
  EXPECT_EQ(waited({5, 6, 4, 7}), 1);
  for (Metric metric : {Metric::kValidationAccuracy, Metric::kBleu}) EXPECT_EQ(waited({5, 6, 4, 7, 8}, 0, metric), 2);
}

TEST(EarlyStopping, ImprovementsMustBeLargeEnoughAndMayAddUp) {
  EXPECT_EQ(waited({5, 4.9, 4.8}, 0.25), 2);
  EXPECT_EQ(waited({5, 4.9, 4.8, 4.7}, 0.25), 0);
}

TEST(EarlyStopping, WhatIsNoNumberIsNoImprovement) {
  EXPECT_EQ(waited({std::nan(""), std::nan("")}), 2);
  EXPECT_EQ(waited({std::nan(""), 5}), 0);
  EXPECT_EQ(waited({5, std::nan(""), 6}), 2);
}

TEST(EarlyStopping, EndsTheRunWhenThePatienceIsOver) {
  Settings settings;
  Progress progress;
  progress.validations = losses({5, 6, 7});
  EXPECT_EQ(early_end(settings, progress), "");
  settings.validation.patience = 3;
  EXPECT_EQ(early_end(settings, progress), "");
  settings.validation.patience = 2;
  EXPECT_EQ(early_end(settings, progress), "no better validation_loss for 2 validations");
  settings.snapshots.best = Metric::kBleu;
  EXPECT_EQ(early_end(settings, progress), "no better bleu for 2 validations");
}

TEST(LastIsBest, ByTheNamedMetric) {
  for (Metric metric : {Metric::kValidationLoss, Metric::kValidationAccuracy, Metric::kBleu}) {
    EXPECT_TRUE(last_is_best(losses({5}), metric));
    EXPECT_TRUE(last_is_best(losses({5, 4}), metric));
    EXPECT_FALSE(last_is_best(losses({5, 4, 4}), metric));
    EXPECT_FALSE(last_is_best(losses({4, 5}), metric));
  }
}

}  // namespace
}  // namespace podium
