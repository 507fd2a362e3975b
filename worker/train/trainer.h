// The training of a task at one rank: steps, validations, snapshots, each at a place that a resumed run
// repeats.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "configuration/settings.h"
#include "worker/storage/local_store.h"
#include "worker/supervise/trainer_channel.h"
#include "worker/train/agreement.h"
#include "worker/train/gradient_step.h"
#include "worker/train/options.h"
#include "worker/train/report.h"
#include "worker/train/snapshot_files.h"
#include "worker/train/starting_state.h"
#include "worker/train/step_log.h"
#include "worker/train/stop_signal.h"
#include "worker/train/task.h"
#include "worker/train/tuning_metrics.h"

namespace podium {

// What a trainer finds around it.
struct TrainerWorld {
  Communicator& ranks;
  StopSignal& signals;
  WorkerLink* worker = nullptr;  // none: it was started by hand
  uint64_t epoch = 0, generation = 0;
};

class Trainer {
 public:
  // `task` and `display` must outlive the object.
  Trainer(const Settings& settings, const std::string& run, const Task& task, TrainerWorld world,
          TrainingDisplay& display);

  // Trains until a limit of the settings is reached or it is asked to stop; returns the process's exit code
  // (worker/supervise/exit_codes.h).
  int run();

 private:
  Progress fresh_progress() const;
  void begin();
  int end();
  bool limits_reached() const;
  std::vector<AdamSegment> segments() const;
  void train_epoch();
  void train_batch(std::span<const int32_t> batch);
  void step_boundary();
  bool validation_due() const;
  bool validated() const;
  bool snapshot_due(bool epoch_ended) const;
  [[noreturn]] void fail_not_finite(const CrossEntropySums& sums, RandomKey random);
  bool validate();
  void report_trial(const ValidationRecord& record) const;
  void write_snapshot();
  std::string store_snapshot(const SmallFiles& evaluation);
  void complete();
  void show_results();
  std::function<bool()> interrupted() const;
  // What this rank was asked for, and what all agreed on.
  StopRequest asked() const;
  bool stopping() const { return agreed_ != StopRequest::kNone; }
  void ask_all();
  bool leads() const { return world_.ranks.rank() == 0; }
  void phase(TrainerPhase phase);
  void works() const;
  void waits() const;

  const Settings settings_;
  const TrainerWorld world_;
  const std::string run_;
  const Task& task_;
  const Model& model_;
  TrainingDisplay& display_;
  Report report_;
  LocalStore store_;
  SnapshotStore snapshots_;
  OptimizerOptions optimizer_;
  std::vector<AdamSegment> segments_;  // of the epoch under way
  TrainingState state_;
  std::unique_ptr<GradientStep> gradient_step_;
  SmallFiles static_files_;
  StepLog step_log_;
  const TuningMetrics tuning_metrics_;
  TrainerPhase phase_ = TrainerPhase::kNone;
  StopRequest agreed_ = StopRequest::kNone;
  StartingState start_;
  std::vector<Shard> shards_;  // of the step under way and this rank; their memory is kept
  int64_t batches_in_epoch_ = 0;
  int64_t snapshot_step_ = -1;  // of the newest snapshot written or read
  std::string snapshot_name_;   // of the newest one written
  bool unsaved_ = true;         // the state is further than that snapshot
  double began_seconds_ = 0;    // on the steady clock, less the training seconds of earlier processes
};

}  // namespace podium
