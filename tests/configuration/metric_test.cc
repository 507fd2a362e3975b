// Two names for the metric that counts: snapshots.best and classification.metric_to_monitor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/configuration/loading.h"

namespace podium {
namespace {

using Best = Settings::Snapshots::Best;

Best best(const Inputs& inputs) { return load(inputs).settings.snapshots.best; }

TEST(MetricToMonitor, IsAnotherNameForTheBestSnapshotsMetric) {
  const std::string task = "preset: \"\"\ntask: classification\nclassification: {metric_to_monitor: ";
  EXPECT_EQ(best({.file = task + "auto}"}), Best::kValidationLoss);
  EXPECT_EQ(best({.file = task + "loss}"}), Best::kValidationLoss);
  EXPECT_EQ(best({.file = task + "accuracy}"}), Best::kValidationAccuracy);
  EXPECT_EQ(best({.file = task + "macro_f1}"}), Best::kMacroF1);
  EXPECT_EQ(best({.file = task + "micro_f1}"}), Best::kMicroF1);
  EXPECT_EQ(best({.file = task + "weighted_f1}"}), Best::kWeightedF1);
}

TEST(MetricToMonitor, TheStrongerSourceOfBothCounts) {
  Inputs inputs{.file = "preset: classification\n"};
  EXPECT_EQ(best(inputs), Best::kMacroF1);
  inputs.file += "classification: {metric_to_monitor: loss}\n";
  EXPECT_EQ(best(inputs), Best::kValidationLoss);
  inputs.arguments = {"--snapshots.best", "micro_f1"};
  EXPECT_EQ(best(inputs), Best::kMicroF1);
  const Settings settings = load(inputs).settings;
  EXPECT_TRUE(same(load({.file = dump_config(settings)}).settings, settings));
}

TEST(MetricToMonitor, OneSourceMustNotSayBothDifferently) {
  const std::string task = "preset: \"\"\ntask: classification\nclassification: {metric_to_monitor: macro_f1}\n";
  EXPECT_EQ(best({.file = task + "snapshots: {best: macro_f1}"}), Best::kMacroF1);
  EXPECT_THAT(refusal({.file = task + "snapshots: {best: micro_f1}"}),
              testing::AllOf(testing::HasSubstr("classification.metric_to_monitor: found macro_f1"),
                             testing::HasSubstr("snapshots.best is micro_f1")));
}

}  // namespace
}  // namespace podium
