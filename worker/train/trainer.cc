#include "worker/train/trainer.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cmath>

#include "worker/base/fault_point.h"
#include "worker/snapshot/completion.h"
#include "worker/snapshot/epochs.h"
#include "worker/supervise/exit_codes.h"
#include "worker/train/early_stopping.h"

namespace podium {
namespace {

double mean(double sum, int64_t count) { return count == 0 ? 0 : sum / static_cast<double>(count); }

std::unique_ptr<MemoryState> open_memory(const Settings& settings, const std::string& run, const Model& model) {
  const uint64_t numbers = TrainingState::numbers(model.parameters().size(), settings.training.average_decay > 0);
  if (settings.workers.memory_folder.empty()) return std::make_unique<MemoryState>(numbers);
  const uint32_t ordinal = static_cast<uint32_t>(std::max<int64_t>(settings.workers.ordinal, 0));
  return std::make_unique<MemoryState>(settings.workers.memory_folder, run, ordinal, mathematics_hash(settings),
                                       numbers);
}

}  // namespace

Trainer::Trainer(const Settings& settings, const std::string& run, const Task& task, TrainerWorld world,
                 TrainingDisplay& display)
    : settings_(settings),
      world_(world),
      run_(run),
      task_(task),
      model_(task.model()),
      display_(display),
      report_(
          settings_, display,
          leads() && settings.monitoring.tensorboard ? fs::path(settings.snapshots.folder) / run / "tensorboard" : ""),
      store_(settings.snapshots.folder),
      snapshots_(store_, run_, [&display](const std::string& text) { display.warning(text); }),
      optimizer_(optimizer_options(settings)),
      state_(open_memory(settings, run_, model_), model_.parameters().size(), optimizer_.average_decay > 0),
      step_log_(leads() ? settings.progress.step_log : ""),
      tuning_metrics_(environment_variables(environ)) {
  auto working = [this] { works(); };
  phase(TrainerPhase::kRestoring);
  StartingStateOptions options{fresh_progress(), settings.snapshots.resume, working};
  start_ = find_starting_state(world.ranks, task_, snapshots_, options, state_);
  const Progress& progress = state_.progress;
  batches_in_epoch_ = task_.plan_epoch(progress).count();
  gradient_step_ = std::make_unique<GradientStep>(model_, world.ranks,
                                                  GradientStepOptions{.shards = progress.shards,
                                                                      .threads = thread_count(settings),
                                                                      .working = working,
                                                                      .waiting = [this] { waits(); }});
  shards_.resize(static_cast<size_t>(gradient_step_->my_shards().size()));
  static_files_ = task_.snapshot_files();
  static_files_.emplace_back("settings.yaml", dump_config(settings));
}

Progress Trainer::fresh_progress() const {
  Progress fresh;
  fresh.seed = settings_.seed;
  fresh.global_batch = global_batch(settings_);
  fresh.shards = shards_per_step(settings_);
  if (fresh.shards > kMaximumShards)
    throw Error("training.shards times training.gradient_accumulation is {}, at most {} was expected", fresh.shards,
                kMaximumShards);
  fresh.settings_hash = mathematics_hash(settings_);
  fresh.data_hash = task_.data_hash();
  return fresh;
}

StopRequest Trainer::asked() const {
  if (world_.worker == nullptr) return world_.signals.received() ? StopRequest::kStop : StopRequest::kNone;
  const std::optional<StopCommand> told = world_.worker->stop();
  return !told ? StopRequest::kNone : *told == StopCommand::kStop ? StopRequest::kStop : StopRequest::kYield;
}

// All ranks come here together.
void Trainer::ask_all() {
  waits();
  const Agreed agreed = agree(world_.ranks, {}, 0, asked(), steady_seconds() - began_seconds_);
  agreed_ = std::max(agreed_, agreed.request);
  state_.progress.training_seconds = agreed.training_seconds;
}

void Trainer::phase(TrainerPhase phase) {
  phase_ = phase;
  if (world_.worker != nullptr) world_.worker->phase(phase);
}

// Called from any thread that computes.
void Trainer::works() const {
  if (world_.worker == nullptr) return;
  world_.worker->phase(phase_);
  world_.worker->tick();
}

// Who waits makes no progress either, and must not be taken for the one that hangs.
void Trainer::waits() const {
  const bool has_limit = phase_ == TrainerPhase::kTraining || phase_ == TrainerPhase::kValidation;
  if (world_.worker != nullptr && has_limit) world_.worker->phase(TrainerPhase::kAllreduce);
}

int Trainer::run() {
  begin();
  Progress& progress = state_.progress;
  if (progress.finished && limits_reached()) {
    if (world_.worker == nullptr)
      display_.message(
          fmt::format("run {} has finished: raise its limits, choose another run_name, or use --new-run", run_));
  } else {
    progress.finished = false;  // a limit may have been raised since
    if (progress.step == 0) write_snapshot();
    if (progress.step > 0) step_boundary();  // what a signal or a kill kept from being done after the last step
    report_.resume_clock();
    while (!progress.finished && !stopping()) train_epoch();
  }
  if (!stopping()) complete();
  return end();
}

void Trainer::begin() {
  Progress& progress = state_.progress;
  began_seconds_ = steady_seconds() - progress.training_seconds;
  snapshot_step_ = start_.origin == StartingState::Origin::kSnapshot ? progress.step : -1;
  unsaved_ = start_.origin != StartingState::Origin::kSnapshot;
  snapshot_name_ =
      start_.snapshot.empty() ? SnapshotName{static_cast<uint64_t>(progress.step), {}}.text() : start_.snapshot;
  if (world_.worker == nullptr) world_.signals.defer();
  if (world_.generation <= 1) report_.introduction(run_, task_, progress, world_.ranks.size());
  if (start_.origin == StartingState::Origin::kFresh) return;
  const bool from_snapshot = start_.origin == StartingState::Origin::kSnapshot;
  display_.message(fmt::format("going on from {} (epoch {}, step {}){}",
                               from_snapshot ? start_.snapshot : "the memory state", progress.epoch + 1, progress.step,
                               world_.ranks.size() > 1 ? fmt::format(" with {} workers", world_.ranks.size()) : ""));
  if (!leads()) return;
  // Another rank may have got further than the one that logs.
  if (!from_snapshot && progress.step > 0) step_log_.write(progress.step, progress.last_step);
  // A kill may have come between a snapshot and its links.
  if (from_snapshot) snapshots_.point_latest(start_.snapshot);
  if (!progress.best_snapshot.empty()) snapshots_.point_best(progress.best_snapshot);
}

// The run has reached its limit, and all that belongs to it is done but the marker and the results.
void Trainer::complete() {
  phase(TrainerPhase::kFinishing);
  if (leads()) {
    check_epoch(store_, run_, world_.epoch);
    const Settings::Training& limits = settings_.training;
    write_completion(store_, run_,
                     {state_.progress.step,
                      snapshot_name_,
                      {limits.epochs, limits.max_steps, limits.max_minutes, settings_.validation.patience}});
  }
  if (const std::string reason = early_end(settings_, state_.progress); !reason.empty())
    display_.message(fmt::format("{}: the run ends at step {}", reason, state_.progress.step));
  show_results();
}

int Trainer::end() {
  if (!stopping()) return kExitFinished;
  if (agreed_ == StopRequest::kYield) return kExitYielded;
  if (unsaved_) write_snapshot();
  display_.finish();
  const int signal = world_.signals.received().value_or(SIGTERM);
  display_.message(fmt::format("stopped by {} at step {}; start again to go on",
                               world_.worker != nullptr ? "its workers"
                               : signal == SIGINT       ? "Ctrl-C"
                                                        : "SIGTERM",
                               state_.progress.step));
  return world_.worker != nullptr ? kExitStopped : exit_code_of_signal(signal);
}

bool Trainer::limits_reached() const {
  const Progress& progress = state_.progress;
  const Settings::Training& limits = settings_.training;
  return (limits.epochs > 0 && progress.epoch + (progress.batch >= batches_in_epoch_ ? 1 : 0) >= limits.epochs) ||
         (limits.max_steps > 0 && progress.step >= limits.max_steps) ||
         (limits.max_minutes > 0 && progress.training_seconds >= limits.max_minutes * 60) ||
         !early_end(settings_, progress).empty();
}

// A function of settings and epoch alone, so a resumed run has the same.
std::vector<AdamSegment> Trainer::segments() const {
  ParameterGroups groups = parameter_groups(settings_);
  const std::vector<std::string> now = task_.frozen_in_epoch(state_.progress.epoch);
  groups.frozen.insert(groups.frozen.end(), now.begin(), now.end());
  return parameter_segments(model_.parameters(), groups);
}

void Trainer::train_epoch() {
  Progress& progress = state_.progress;
  const BatchPlan plan = task_.plan_epoch(progress);
  batches_in_epoch_ = plan.count();
  segments_ = segments();
  gradient_step_->freeze(frozen_parts(segments_));
  for (const int64_t epoch = progress.epoch; progress.epoch == epoch && !progress.finished && !stopping();) {
    train_batch(plan.batch(progress.batch));
    step_boundary();
  }
}

void Trainer::train_batch(std::span<const int32_t> batch) {
  Progress& progress = state_.progress;
  phase(TrainerPhase::kTraining);
  const ShardRange mine = gradient_step_->my_shards();
  task_.fill_shards(batch, progress.shards, mine.begin, shards_);
  const int64_t step = progress.step + 1;
  const RandomKey random{progress.seed, static_cast<uint32_t>(step), 0, 0};
  const float smoothing = static_cast<float>(settings_.training.label_smoothing);
  const GradientStep::Result result = gradient_step_->run(state_.parameters(), shards_, random, smoothing);
  waits();
  const Agreed agreed =
      agree(world_.ranks, result.shard_sums, progress.shards, asked(), steady_seconds() - began_seconds_);
  works();
  const CrossEntropySums& sums = agreed.sums;
  if (!std::isfinite(sums.loss) || !std::isfinite(result.squares)) fail_not_finite(sums, random);
  UpdateReport update;
  const AdamStep adam = plan_update(optimizer_, step, sums.rows, result.squares, update);
  const AdamBuffers from = state_.buffers(), to = state_.begin_update();
  fault_point("optimizer-begin", step);
  adam_update(gradient_step_->executor(), adam, segments_, gradient_step_->gradient(), from, to);
  fault_point("optimizer-end", step);
  progress.step = step;
  ++progress.batch;
  progress.epoch_sums += sums;
  progress.training_seconds = agreed.training_seconds;
  agreed_ = std::max(agreed_, agreed.request);
  unsaved_ = true;
  progress.last_step = {sums, update.gradient_norm, update.learning_rate};
  // Logged before it is published: a kill in between gives a line twice, never none.
  step_log_.write(step, progress.last_step);
  state_.publish();
  const double tokens_per_second =
      report_.step(progress, sums, task_.token_count(batch), update.learning_rate, batches_in_epoch_);
  if (world_.worker != nullptr) world_.worker->step(step, mean(sums.loss, sums.rows), tokens_per_second);
  const int64_t check = settings_.workers.check_every_steps;
  if (check > 0 && step % check == 0) compare_states(world_.ranks, state_);
}

// All ranks come here together, because sums and norm are the same at all.
void Trainer::fail_not_finite(const CrossEntropySums& sums, RandomKey random) {
  const float smoothing = static_cast<float>(settings_.training.label_smoothing);
  const std::string mine = gradient_step_->find_non_finite(state_.parameters(), shards_, random, smoothing);
  std::string tensor;
  for (const std::vector<std::string>& found : gather_texts(world_.ranks, std::span(&mine, 1)))
    if (tensor.empty()) tensor = found[0];
  throw Error(
      "step {} (epoch {}, batch {}): the mean loss is {}; the first tensor that is not finite: {}. The newest snapshot "
      "is of step {}. A lower "
      "schedule.learning_rate, a longer schedule.warmup_steps or training.clip_norm may help",
      random.step, state_.progress.epoch + 1, state_.progress.batch + 1, mean(sums.loss, sums.rows),
      tensor.empty() ? "the sum of the gradients' squares" : tensor, snapshot_step_);
}

bool Trainer::validation_due() const {
  const Progress& progress = state_.progress;
  const Settings::Validation& when = settings_.validation;
  const bool epoch_ended = progress.batch >= batches_in_epoch_;
  return (when.every_steps > 0 && progress.step % when.every_steps == 0) ||
         (epoch_ended && when.every_epochs > 0 && (progress.epoch + 1) % when.every_epochs == 0) || limits_reached();
}

bool Trainer::validated() const {
  const Progress& progress = state_.progress;
  return !progress.validations.empty() && progress.validations.back().step == progress.step;
}

bool Trainer::snapshot_due(bool epoch_ended) const {
  const Progress& progress = state_.progress;
  const Settings::Snapshots& when = settings_.snapshots;
  return progress.finished || (when.every_steps > 0 && progress.step % when.every_steps == 0) ||
         (epoch_ended && when.every_epochs > 0 && progress.epoch % when.every_epochs == 0);
}

// What is due after a step: validation, the epoch's end, the run's end, a snapshot. Given up when a signal arrives;
// then the state is that of the step, and the resumed run comes here again.
void Trainer::step_boundary() {
  Progress& progress = state_.progress;
  if (validation_due() && !validated() && !validate()) return;
  const bool epoch_ended = progress.batch >= batches_in_epoch_;
  const bool finished = limits_reached();
  if (epoch_ended) {
    ++progress.epoch;
    progress.batch = 0;
    progress.epoch_sums = {};
  }
  unsaved_ = unsaved_ || finished;
  progress.finished = finished;
  if (unsaved_ && snapshot_due(epoch_ended)) write_snapshot();
  // Only now: who finds the state of before comes here again, and does not miss the snapshot.
  if (epoch_ended || finished) state_.publish_progress();
}

// False: a stop came in between, and nothing is as if it had begun.
bool Trainer::validate() {
  if (task_.validation_shards().empty()) return true;
  Progress& progress = state_.progress;
  phase(TrainerPhase::kValidation);
  display_.activity("validating");
  fault_point("validation", progress.step);
  const std::function<bool()> stop = interrupted();
  const SharedWork work{*gradient_step_, world_.ranks, state_.model_parameters(), stop};
  const CrossEntropySums sums = gradient_step_->evaluate(work.weights, task_.validation_shards(), 0, stop);
  const std::vector<TaskMetric> metrics = task_.validation_metrics(work, sums);
  ask_all();
  if (stopping()) return false;
  ValidationRecord record;
  record.epoch = progress.epoch + 1;
  record.step = progress.step;
  record.train_loss = mean(progress.epoch_sums.loss, progress.epoch_sums.rows);
  record.train_accuracy = mean(static_cast<double>(progress.epoch_sums.correct), progress.epoch_sums.rows);
  record.loss = mean(sums.nll, sums.rows);
  record.accuracy = mean(static_cast<double>(sums.correct), sums.rows);
  record.metrics = metrics;
  record.learning_rate = learning_rate_at(optimizer_.schedule, progress.step);
  record.training_seconds = progress.training_seconds;
  progress.validations.push_back(record);
  unsaved_ = true;
  state_.publish_progress();
  report_.validation(record, last_is_best(progress.validations, settings_.snapshots.best));
  if (leads()) report_trial(record);
  report_.resume_clock();
  return true;
}

// For a search of hyperparameters, under the names of snapshots.best.
void Trainer::report_trial(const ValidationRecord& record) const {
  std::vector<TaskMetric> metrics = {{"validation_loss", record.loss}, {"validation_accuracy", record.accuracy}};
  metrics.insert(metrics.end(), record.metrics.begin(), record.metrics.end());
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  for (const TaskMetric& metric : metrics) tuning_metrics_.report(metric.name, metric.value, record.step, now);
}

void Trainer::write_snapshot() {
  Progress& progress = state_.progress;
  const double began = steady_seconds();
  phase(TrainerPhase::kSnapshot);
  display_.activity("writing a snapshot");
  fault_point("snapshot", progress.step);
  bool best = false;
  if (validated()) {
    const double metric = figure_of(progress.validations.back(), settings_.snapshots.best);
    best = progress.best_snapshot.empty() || metric < progress.best_metric;
    if (best) {
      progress.best_metric = metric;
      progress.best_snapshot = SnapshotName{static_cast<uint64_t>(progress.step), {}}.text();
    }
  }
  SmallFiles evaluation;
  if (validated() && !stopping()) {
    const std::function<bool()> stop = interrupted();
    evaluation = task_.evaluation_files({*gradient_step_, world_.ranks, state_.model_parameters(), stop});
    ask_all();
    if (stopping()) evaluation.clear();  // it may have been cut short
  }
  // Rank 0 knows under which name it could be stored; the others wait for it, as they would in the next step.
  const std::string mine = leads() ? store_snapshot(evaluation) : "";
  const std::string written = gather_texts(world_.ranks, std::span(&mine, 1))[0][0];
  snapshot_name_ = written;
  if (best) progress.best_snapshot = written;
  if (leads()) {
    if (best) snapshots_.point_best(written);
    const Settings::Snapshots& when = settings_.snapshots;
    snapshots_.apply_retention({when.keep_last, when.keep_every},
                               {when.keep_best ? progress.best_snapshot : "", written});
  }
  if (best) state_.publish_progress();
  snapshot_step_ = progress.step;
  unsaved_ = false;
  if (leads())
    display_.message(fmt::format("snapshot {}: training stood still for {:.2f} s", written, steady_seconds() - began));
  report_.resume_clock();
}

std::string Trainer::store_snapshot(const SmallFiles& evaluation) {
  SnapshotContent content;
  content.step = static_cast<uint64_t>(state_.progress.step);
  content.epoch = world_.epoch;
  content.generation = world_.generation;
  content.before_commit = [this] {
    fault_point("commit", state_.progress.step);
    check_epoch(store_, run_, world_.epoch);
  };
  std::vector<float> zeros;
  content.files = snapshot_files(model_, state_, static_files_, zeros);
  for (const auto& [name, bytes] : evaluation) content.files.push_back({name, std::make_unique<MemorySource>(bytes)});
  return snapshots_.write(content);
}

// For work that all share: whether one is asked to stop; to be called often, as it also shows that this rank works.
std::function<bool()> Trainer::interrupted() const {
  return [this] { return works(), asked() != StopRequest::kNone; };
}

void Trainer::show_results() {
  const fs::path latest = fs::path(settings_.snapshots.folder) / "latest";
  const std::function<bool()> stop = interrupted();
  task_.show_results({*gradient_step_, world_.ranks, state_.model_parameters(), stop}, display_);
  ask_all();
  if (!stopping()) report_.end(latest.string());
}

}  // namespace podium
