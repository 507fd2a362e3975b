#include "worker/train/tuning_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"

namespace podium {
namespace {

TEST(TuningMetrics, AreLinesAsCloudmlHypertuneWritesThem) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "deep/output.metrics").string();
  const TuningMetrics metrics({{"CLOUD_ML_HP_METRIC_FILE", path}, {"CLOUD_ML_TRIAL_ID", "4"}});
  metrics.report("validation_loss", 0.25, 500, 1700000000.5);
  metrics.report("bleu", 12.5, 500, 1700000001);
  std::istringstream lines(read_file(path));
  std::string first, second, third;
  std::getline(lines, first), std::getline(lines, second), std::getline(lines, third);
  EXPECT_EQ(nlohmann::json::parse(first), nlohmann::json::parse(R"({"checkpoint_path": "", "global_step": "500",
      "timestamp": 1700000000.5, "trial": "4", "validation_loss": "0.25"})"));
  EXPECT_EQ(nlohmann::json::parse(second)["bleu"], "12.5");
  EXPECT_EQ(third, "");
}

TEST(TuningMetrics, OutsideOfATrialNothingIsWritten) {
  TuningMetrics({}).report("bleu", 1, 1, 1);
  EXPECT_FALSE(fs::exists("/tmp/hypertune/output.metrics"));
}

TEST(TuningMetrics, AFileThatCannotBeWrittenIsNamed) {
  const TemporaryFolder folder;
  folder.write("file", "");
  const std::string path = (folder.path() / "file/output.metrics").string();
  const TuningMetrics metrics({{"CLOUD_ML_HP_METRIC_FILE", path}});
  EXPECT_THAT(error_of([&] { metrics.report("bleu", 1, 1, 1); }), testing::HasSubstr(path));
}

}  // namespace
}  // namespace podium
