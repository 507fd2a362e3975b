// The training of a translation model in this process: steps, validations, snapshots, each at a place that a resumed
// run repeats.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "configuration/settings.h"
#include "worker/storage/local_store.h"
#include "worker/train/gradient_step.h"
#include "worker/train/options.h"
#include "worker/train/report.h"
#include "worker/train/snapshot_files.h"
#include "worker/train/step_log.h"
#include "worker/train/stop_signal.h"
#include "worker/train/translation_data.h"
#include "worker/train/validation.h"

namespace podium {

class Trainer {
 public:
  // Loads the data, and the newest valid snapshot of the run if there is one; else starts fresh. Throws Error when it
  // cannot.
  Trainer(const Settings& settings, std::string run, StopSignal& stop, TrainingDisplay& display);

  // Trains until a limit of the settings is reached or a signal arrives; returns the process's exit code.
  int run();

 private:
  void begin_or_resume();
  void resume(const Progress& expected);
  bool limits_reached() const;
  void train_epoch();
  void train_batch(std::span<const int32_t> batch);
  void step_boundary();
  bool validation_due() const;
  bool validated() const;
  bool snapshot_due(bool epoch_ended) const;
  [[noreturn]] void fail_not_finite(const CrossEntropySums& sums, RandomKey random);
  bool validate();
  void write_snapshot();
  void show_results();
  bool stopping() const { return stop_.received().has_value(); }

  const Settings settings_;
  const std::string run_;
  StopSignal& stop_;
  TrainingDisplay& display_;
  Report report_;
  LocalStore store_;
  SnapshotStore snapshots_;
  std::optional<Snapshot> found_;  // what is resumed from
  TranslationData data_;
  Transformer model_;
  OptimizerOptions optimizer_;
  TrainingState state_;
  std::unique_ptr<GradientStep> gradient_step_;
  std::unique_ptr<Validator> validator_;
  StaticFiles static_files_;
  StepLog step_log_;
  std::vector<TranslationShard> shards_;  // of the step under way; their memory is kept
  int64_t batches_in_epoch_ = 0;
  int64_t snapshot_step_ = -1;  // of the newest snapshot written or read
  bool unsaved_ = true;         // the state is further than that snapshot
  double began_seconds_ = 0;    // on the steady clock, less the training seconds of earlier processes
};

}  // namespace podium
