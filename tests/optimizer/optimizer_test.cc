#include "worker/optimizer/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "worker/base/file.h"
#include "worker/json/strict_json.h"

namespace podium {
namespace {

Schedule schedule_of(Schedule::Kind kind, double learning_rate, int64_t warmup, int64_t total) {
  Schedule schedule;
  schedule.kind = kind;
  schedule.learning_rate = learning_rate;
  schedule.warmup_steps = warmup;
  schedule.total_steps = total;
  return schedule;
}

TEST(Schedule, NoamIsTheTutorialsFormula) {
  const Schedule schedule = schedule_of(Schedule::Kind::kNoam, 1, 4000, 0);
  for (int64_t step : {1, 100, 3999, 4000, 4001, 100000}) {
    const double s = static_cast<double>(step);
    EXPECT_DOUBLE_EQ(learning_rate_at(schedule, step),
                     std::pow(128, -0.5) * std::min(std::pow(s, -0.5), s * std::pow(4000, -1.5)));
  }
}

// tests/oracles/make_schedule_golden.py: PyTorch's schedulers as transformers sets them up.
TEST(Schedule, TheOthersAreTransformers) {
  const std::string path = PODIUM_SOURCE_DIR "/tests/golden/optimizer/schedules.json";
  const nlohmann::json golden = parse_strict_json(read_file(path), path);
  using Kind = Schedule::Kind;
  using Decay = Schedule::Decay;
  const std::map<std::string, std::pair<Kind, Decay>> kinds = {
      {"constant", {Kind::kConstant, Decay::kLinear}},
      {"linear", {Kind::kLinear, Decay::kLinear}},
      {"cosine", {Kind::kCosine, Decay::kLinear}},
      {"inverse_square_root", {Kind::kInverseSquareRoot, Decay::kLinear}},
      {"warmup_stable_decay linear", {Kind::kWarmupStableDecay, Decay::kLinear}},
      {"warmup_stable_decay cosine", {Kind::kWarmupStableDecay, Decay::kCosine}},
      {"warmup_stable_decay one_minus_square_root", {Kind::kWarmupStableDecay, Decay::kOneMinusSquareRoot}},
  };
  ASSERT_EQ(golden.size(), 11u);
  for (const auto& entry : golden) {
    const auto& [kind, decay] = kinds.at(entry.at("name").get<std::string>());
    Schedule schedule = schedule_of(kind, entry.at("learning_rate"), entry.at("warmup_steps"), entry.at("total_steps"));
    schedule.decay = decay;
    schedule.decay_steps = entry.at("decay_steps");
    schedule.minimum = entry.at("minimum");
    // Where there is a minimum, transformers' warm-up of warmup_stable_decay begins there, ours at 0.
    const int64_t first = schedule.minimum > 0 ? schedule.warmup_steps : 1;
    const std::vector<double> rates = entry.at("rates");
    ASSERT_EQ(rates.size(), 131u);
    // Behind its end transformers' cosine rises again.
    const int64_t last = kind == Kind::kCosine ? schedule.total_steps : 130;
    for (int64_t step = first; step <= last; ++step)
      EXPECT_NEAR(learning_rate_at(schedule, step), rates[static_cast<size_t>(step)], 1e-15)
          << entry.at("name") << " with minimum " << schedule.minimum << ", step " << step;
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

TEST(Optimizer, TheAveragesDecayBeginsLow) {
  OptimizerOptions options;
  UpdateReport report;
  EXPECT_EQ(plan_update(options, 1, 1, 1, report).average_decay, 0);
  options.average_decay = 0.99;
  EXPECT_DOUBLE_EQ(plan_update(options, 1, 1, 1, report).average_decay, 2.0 / 11);
  EXPECT_DOUBLE_EQ(plan_update(options, 100, 1, 1, report).average_decay, 101.0 / 110);
  EXPECT_DOUBLE_EQ(plan_update(options, 1000, 1, 1, report).average_decay, 0.99);
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
