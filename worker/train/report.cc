#include "worker/train/report.h"

#include <algorithm>
#include <utility>

#include "worker/kernels/instruction_set.h"
#include "worker/train/options.h"

namespace podium {
namespace {

// Of a step's figures in the averages shown.
constexpr double kForget = 0.98;

}  // namespace

void Report::introduction(const std::string& run, const Task& task, const Progress& progress, int workers) {
  const int threads = thread_count(settings_);
  display_.message(fmt::format("run {}: {}, {:.1f} million parameters; {}{} thread{}{}, {}", run, task.model_text(),
                               static_cast<double>(task.model().parameters().count()) * 1e-6,
                               workers > 1 ? fmt::format("{} workers of ", workers) : "", threads,
                               threads == 1 ? "" : "s", workers > 1 ? " each" : "", instruction_set()));
  for (const std::string& line : task.data_summary(progress)) display_.message(line);
}

// With the first curve and not before: who finds a finished run adds nothing to it.
void Report::describe_run(int64_t step) {
  if (!std::exchange(described_, true)) curves_.text(step, "settings", "```\n" + dump_config(settings_) + "```\n");
}

void Report::resume_clock() { step_ended_ = steady_seconds(); }

double Report::step(const Progress& progress, const CrossEntropySums& sums, int64_t tokens, double learning_rate,
                    int64_t batches_in_epoch) {
  const double now = steady_seconds();
  auto average = [&](double& value, double newest) { value = kForget * value + (1 - kForget) * newest; };
  average(loss_, sums.loss);
  average(correct_, static_cast<double>(sums.correct));
  average(tokens_, static_cast<double>(tokens));
  average(seconds_, now - step_ended_);
  average(target_tokens_, static_cast<double>(sums.rows));
  average(weight_, 1);
  step_ended_ = now;

  const Settings::Training& limits = settings_.training;
  int64_t total = limits.epochs * batches_in_epoch;  // 0: no limit
  if (limits.max_steps > 0) total = total > 0 ? std::min(total, limits.max_steps) : limits.max_steps;
  StepProgress shown;
  shown.epoch = static_cast<int>(progress.epoch + 1);
  shown.epochs = static_cast<int>(limits.epochs);
  shown.step = progress.step;
  shown.total_steps = total;
  shown.loss = loss_ / target_tokens_;
  shown.accuracy = correct_ / target_tokens_;
  shown.learning_rate = learning_rate;
  shown.tokens_per_second = tokens_ / seconds_;
  if (total > 0) {
    shown.fraction_done = static_cast<double>(progress.step) / static_cast<double>(total);
    shown.seconds_left = static_cast<double>(std::max<int64_t>(total - progress.step, 0)) * seconds_ / weight_;
  }
  if (limits.max_minutes > 0) {
    const double allowed = limits.max_minutes * 60;
    shown.fraction_done = std::max(shown.fraction_done, progress.training_seconds / allowed);
    const double left = std::max(allowed - progress.training_seconds, 0.0);
    shown.seconds_left = total > 0 ? std::min(shown.seconds_left, left) : left;
  }
  shown.fraction_done = std::min(shown.fraction_done, 1.0);

  display_.step(shown);
  if (progress.step % settings_.progress.every_steps == 0) {
    describe_run(progress.step);
    curves_.scalar(progress.step, "train/loss", shown.loss);
    curves_.scalar(progress.step, "train/accuracy", shown.accuracy);
    curves_.scalar(progress.step, "train/gradient_norm", progress.last_step.gradient_norm);
    curves_.scalar(progress.step, "train/learning_rate", learning_rate);
    curves_.scalar(progress.step, "train/tokens_per_second", shown.tokens_per_second);
  }
  return shown.tokens_per_second;
}

void Report::validation(const ValidationRecord& record, bool best) {
  ValidationRow row;
  row.epoch = static_cast<int>(record.epoch);
  row.step = record.step;
  row.train_loss = record.train_loss;
  row.train_accuracy = record.train_accuracy;
  row.validation_loss = record.loss;
  row.validation_accuracy = record.accuracy;
  row.metrics = record.metrics;
  row.learning_rate = record.learning_rate;
  row.elapsed_seconds = record.training_seconds;
  row.note = best ? "best" : "";
  display_.validation(row);
  describe_run(record.step);
  curves_.scalar(record.step, "validation/loss", record.loss);
  curves_.scalar(record.step, "validation/accuracy", record.accuracy);
  for (const TaskMetric& metric : record.metrics)
    curves_.scalar(record.step, "validation/" + metric.name, metric.value);
}

void Report::end(const std::string& snapshot) {
  display_.finish();
  display_.message(
      fmt::format("\nWeights: {}. Try your own sentences:\n  build/release/bin/test --weights {}", snapshot, snapshot));
}

}  // namespace podium
