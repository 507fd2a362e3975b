// What the trainer tells a person, in their terms: the progress line, the table's rows.
#pragma once

#include <string>

#include "configuration/settings.h"
#include "worker/console/training_display.h"
#include "worker/tensorboard/event_file.h"
#include "worker/train/task.h"

namespace podium {

class Report {
 public:
  // `curves` for TensorBoard; empty: none.
  Report(const Settings& settings, TrainingDisplay& display, fs::path curves)
      : settings_(settings),
        display_(display),
        curves_(std::move(curves), [&display](const std::string& text) { display.warning(text); }) {}

  void introduction(const std::string& run, const Task& task, const Progress& progress, int workers);
  // After a step that trained on `tokens` tokens with these sums. Returns tokens per second.
  double step(const Progress& progress, const CrossEntropySums& sums, int64_t tokens, double learning_rate,
              int64_t batches_in_epoch);
  // A pause that says nothing of the speed of steps (a validation, a snapshot) ends here.
  void resume_clock();
  void validation(const ValidationRecord& record, bool best);
  // How to go on with the weights in the folder `snapshot`.
  void end(const std::string& snapshot);

 private:
  void describe_run(int64_t step);
  const Settings& settings_;
  TrainingDisplay& display_;
  EventFile curves_;
  bool described_ = false;
  // Averages over about the last 50 steps.
  double loss_ = 0, correct_ = 0, target_tokens_ = 0, tokens_ = 0, seconds_ = 0, weight_ = 0;
  double step_ended_ = -1;
};

}  // namespace podium
