#include "worker/train/trainer.h"

#include <cmath>

namespace podium {
namespace {

double mean(double sum, int64_t count) { return count == 0 ? 0 : sum / static_cast<double>(count); }

// The newest valid snapshot, or the one that is named, or none.
std::optional<Snapshot> snapshot_to_resume(SnapshotStore& snapshots, const std::string& run,
                                           const std::string& resume) {
  if (resume == "latest") return snapshots.newest_valid();
  if (resume == "none") {
    if (snapshots.list().empty()) return std::nullopt;
    throw Error("snapshots.resume is none, but there are snapshots of run {}; choose another run_name, or --new-run",
                run);
  }
  return snapshots.open(resume);
}

std::optional<fs::path> folder_of(const std::optional<Snapshot>& snapshot) {
  return snapshot ? snapshot->folder : std::nullopt;
}

StaticFiles static_files(const Settings& settings, const TransformerConfig& config, const TranslationData& data) {
  StaticFiles files = {{"config.json", marian_config(config)},
                       {"generation_config.json", marian_generation_config(config)},
                       {"tokenizer_config.json", marian_tokenizer_config(config, settings.dataset.source_language,
                                                                         settings.dataset.target_language)},
                       {"source.spm", data.source_vocabulary->model()},
                       {"target.spm", data.target_vocabulary->model()},
                       {"vocab.json", data.source_vocabulary->vocab_json()},
                       {"settings.yaml", dump_config(settings)}};
  if (!data.description.empty()) files.emplace_back("dataset.json", data.description);
  if (!config.shared_vocabulary) files.emplace_back("target_vocab.json", data.target_vocabulary->vocab_json());
  return files;
}

}  // namespace

Trainer::Trainer(const Settings& settings, std::string run, StopSignal& stop, TrainingDisplay& display)
    : settings_(settings),
      run_(std::move(run)),
      stop_(stop),
      display_(display),
      report_(settings_, display),
      store_(settings.snapshots.folder),
      snapshots_(store_, run_, [&display](const std::string& text) { display.warning(text); }),
      found_(snapshot_to_resume(snapshots_, run_, settings.snapshots.resume)),
      data_(load_translation_data(settings, folder_of(found_), display)),
      model_(transformer_config(settings, data_.source_vocabulary->size(), data_.target_vocabulary->size())),
      optimizer_(optimizer_options(settings)),
      state_(model_.parameters().size()),
      step_log_(settings.progress.step_log) {
  begin_or_resume();
  const Progress& progress = state_.progress;
  batches_in_epoch_ = data_.plan_epoch(progress).count();
  shards_.resize(static_cast<size_t>(progress.shards));
  gradient_step_ = std::make_unique<GradientStep>(model_, static_cast<int>(progress.shards), thread_count(settings));
  validator_ = std::make_unique<Validator>(data_, model_, settings.validation.bleu_sentences,
                                           settings.validation.maximum_tokens);
  static_files_ = static_files(settings, model_.config(), data_);
}

void Trainer::begin_or_resume() {
  Progress fresh;
  fresh.seed = settings_.seed;
  fresh.global_batch = global_batch(settings_);
  fresh.shards = shards_per_step(settings_);
  if (fresh.shards > kMaximumShards)
    throw Error("training.shards times training.gradient_accumulation is {}, at most {} was expected", fresh.shards,
                kMaximumShards);
  fresh.settings_hash = mathematics_hash(settings_);
  fresh.data_hash = data_.sha256;
  if (found_) return resume(fresh);
  state_.progress = fresh;
  model_.parameters().initialize(fresh.seed, state_.weights());
}

void Trainer::resume(const Progress& expected) {
  restore(*found_->folder, model_, expected, state_);
  Progress& progress = state_.progress;
  snapshot_step_ = progress.step;
  unsaved_ = false;
  // The state was written before its snapshot had a name: not the step's, if that was taken.
  if (progress.best_snapshot == SnapshotName{found_->manifest.step, {}}.text()) progress.best_snapshot = found_->name;
  // A kill may have come between a snapshot and its links.
  snapshots_.point_latest(found_->name);
  if (!progress.best_snapshot.empty()) snapshots_.point_best(progress.best_snapshot);
}

int Trainer::run() {
  Progress& progress = state_.progress;
  report_.introduction(run_, model_, data_, progress);
  if (found_)
    display_.message(
        fmt::format("going on from {} (epoch {}, step {})", found_->name, progress.epoch + 1, progress.step));
  stop_.defer();
  if (progress.finished && limits_reached()) {
    display_.message(
        fmt::format("run {} has finished: raise its limits, choose another run_name, or use --new-run", run_));
    show_results();
    return stopping() ? exit_code_of_signal(*stop_.received()) : 0;
  }
  progress.finished = false;  // a limit may have been raised since
  began_seconds_ = steady_seconds() - progress.training_seconds;
  if (!found_) write_snapshot();
  if (progress.step > 0) step_boundary();  // what a signal kept from being done after the last step
  report_.resume_clock();
  while (!progress.finished && !stopping()) train_epoch();
  if (!stopping()) {
    show_results();
    if (!stopping()) return 0;
  }
  if (unsaved_) write_snapshot();
  display_.finish();
  const int signal = *stop_.received();
  display_.message(
      fmt::format("stopped by {} at step {}; start again to go on", signal == 2 ? "Ctrl-C" : "SIGTERM", progress.step));
  return exit_code_of_signal(signal);
}

bool Trainer::limits_reached() const {
  const Progress& progress = state_.progress;
  const Settings::Training& limits = settings_.training;
  return (limits.epochs > 0 && progress.epoch + (progress.batch >= batches_in_epoch_ ? 1 : 0) >= limits.epochs) ||
         (limits.max_steps > 0 && progress.step >= limits.max_steps) ||
         (limits.max_minutes > 0 && progress.training_seconds >= limits.max_minutes * 60);
}

void Trainer::train_epoch() {
  Progress& progress = state_.progress;
  const BatchPlan plan = data_.plan_epoch(progress);
  batches_in_epoch_ = plan.count();
  for (const int64_t epoch = progress.epoch; progress.epoch == epoch && !progress.finished && !stopping();) {
    train_batch(plan.batch(progress.batch));
    step_boundary();
  }
}

void Trainer::train_batch(std::span<const int32_t> batch) {
  Progress& progress = state_.progress;
  data_.fill_shards(batch, shards_);
  const int64_t step = progress.step + 1;
  const RandomKey random{progress.seed, static_cast<uint32_t>(step), 0, 0};
  const float smoothing = static_cast<float>(settings_.training.label_smoothing);
  const GradientStep::Result result = gradient_step_->run(state_.parameters(), shards_, random, smoothing);
  if (!std::isfinite(result.sums.loss) || !std::isfinite(result.squares)) fail_not_finite(result.sums, random);
  UpdateReport update;
  const AdamStep adam = plan_update(optimizer_, step, result.sums.rows, result.squares, update);
  adam_update(gradient_step_->executor(), adam, gradient_step_->gradient(), state_.buffers(), state_.buffers());
  progress.step = step;
  ++progress.batch;
  progress.epoch_sums += result.sums;
  unsaved_ = true;
  progress.training_seconds = steady_seconds() - began_seconds_;
  step_log_.write(step, result.sums, update.gradient_norm, update.learning_rate);
  int64_t tokens = result.sums.rows;
  for (const TranslationShard& shard : shards_) tokens += shard.source.rows();
  report_.step(progress, result.sums, tokens, update.learning_rate, batches_in_epoch_);
}

void Trainer::fail_not_finite(const CrossEntropySums& sums, RandomKey random) {
  const float smoothing = static_cast<float>(settings_.training.label_smoothing);
  const std::string tensor = gradient_step_->find_non_finite(state_.parameters(), shards_, random, smoothing);
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
}

bool Trainer::validate() {
  if (!validator_->has_data()) return true;
  Progress& progress = state_.progress;
  display_.activity("validating");
  const auto result = validator_->run(*gradient_step_, state_.parameters(), [this] { return stopping(); });
  if (!result) return false;
  progress.training_seconds = steady_seconds() - began_seconds_;
  ValidationRecord record;
  record.epoch = progress.epoch + 1;
  record.step = progress.step;
  record.train_loss = mean(progress.epoch_sums.loss, progress.epoch_sums.rows);
  record.train_accuracy = mean(static_cast<double>(progress.epoch_sums.correct), progress.epoch_sums.rows);
  record.loss = result->loss;
  record.accuracy = result->accuracy;
  record.bleu = result->bleu;
  record.learning_rate = learning_rate_at(optimizer_.schedule, progress.step);
  record.training_seconds = progress.training_seconds;
  const bool by_bleu = settings_.snapshots.best == Settings::Snapshots::Best::kBleu;
  auto better = [&](const ValidationRecord& a, const ValidationRecord& b) {
    return by_bleu ? a.bleu.value_or(0) > b.bleu.value_or(0) : a.loss < b.loss;
  };
  bool best = true;
  for (const ValidationRecord& earlier : progress.validations) best = best && better(record, earlier);
  progress.validations.push_back(record);
  unsaved_ = true;
  report_.validation(record, best);
  report_.resume_clock();
  return true;
}

void Trainer::write_snapshot() {
  Progress& progress = state_.progress;
  display_.activity("writing a snapshot");
  const std::string name = SnapshotName{static_cast<uint64_t>(progress.step), {}}.text();
  const bool by_bleu = settings_.snapshots.best == Settings::Snapshots::Best::kBleu;
  bool best = false;
  if (validated()) {
    const ValidationRecord& record = progress.validations.back();
    const double metric = by_bleu ? -record.bleu.value_or(0) : record.loss;
    best = progress.best_snapshot.empty() || metric < progress.best_metric;
    if (best) {
      progress.best_metric = metric;
      progress.best_snapshot = name;
    }
  }
  SnapshotContent content;
  content.step = static_cast<uint64_t>(progress.step);
  std::vector<float> zeros;
  content.files = snapshot_files(model_, state_, static_files_, zeros);
  const std::string written = snapshots_.write(content);
  if (best) {
    progress.best_snapshot = written;
    snapshots_.point_best(written);
  }
  snapshots_.apply_retention(static_cast<int>(settings_.snapshots.keep), {progress.best_snapshot, written});
  snapshot_step_ = progress.step;
  unsaved_ = false;
  report_.resume_clock();
}

void Trainer::show_results() {
  const fs::path latest = fs::path(settings_.snapshots.folder) / "latest";
  report_.results(data_, *validator_, *gradient_step_, state_.parameters(), latest.string(),
                  [this] { return stopping(); });
}

}  // namespace podium
