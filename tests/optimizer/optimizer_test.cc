#include "worker/optimizer/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

namespace podium {
namespace {

TEST(Schedule, NoamIsTheTutorialsFormula) {
  const Schedule schedule{Schedule::Kind::kNoam, 1, 4000, 0, 128};
  for (int64_t step : {1, 100, 3999, 4000, 4001, 100000}) {
    const double s = static_cast<double>(step);
    EXPECT_DOUBLE_EQ(learning_rate_at(schedule, step),
                     std::pow(128, -0.5) * std::min(std::pow(s, -0.5), s * std::pow(4000, -1.5)));
  }
}

TEST(Schedule, TheOthersWarmUpToTheirPeakAndEndWhereTheyShould) {
  using Kind = Schedule::Kind;
  for (Kind kind : {Kind::kConstant, Kind::kLinear, Kind::kCosine}) {
    const Schedule schedule{kind, 2e-3, 10, 110, 128};
    EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 5), 1e-3);
    EXPECT_DOUBLE_EQ(learning_rate_at(schedule, 10), 2e-3);
    EXPECT_NEAR(learning_rate_at(schedule, 60), kind == Kind::kConstant ? 2e-3 : 1e-3, 1e-15);
    EXPECT_NEAR(learning_rate_at(schedule, 110), kind == Kind::kConstant ? 2e-3 : 0, 1e-15);
    EXPECT_NEAR(learning_rate_at(schedule, 500), kind == Kind::kConstant ? 2e-3 : 0, 1e-15);
  }
}

TEST(Optimizer, TheGradientIsTheMeanOverTokensAndClippedByItsNorm) {
  OptimizerOptions options;
  UpdateReport report;
  // A summed gradient of norm 50 over 10 tokens: a mean of norm 5.
  EXPECT_FLOAT_EQ(plan_update(options, 1, 10, 2500, report).gradient_scale, 0.1f);
  EXPECT_DOUBLE_EQ(report.gradient_norm, 5);
  options.clip_norm = 1;
  EXPECT_FLOAT_EQ(plan_update(options, 1, 10, 2500, report).gradient_scale, 0.02f);
  options.clip_norm = 6;
  EXPECT_FLOAT_EQ(plan_update(options, 1, 10, 2500, report).gradient_scale, 0.1f);
}

TEST(Optimizer, BiasCorrectionsFollowTheStep) {
  OptimizerOptions options;
  options.beta1 = 0.9f;
  options.beta2 = 0.98f;
  UpdateReport report;
  const AdamStep step = plan_update(options, 3, 1, 1, report);
  EXPECT_NEAR(step.bias_correction1, 1 - 0.9 * 0.9 * 0.9, 1e-6);
  EXPECT_NEAR(step.bias_correction2, 1 - 0.98 * 0.98 * 0.98, 1e-6);
}

}  // namespace
}  // namespace podium
