#include "worker/monitoring/worker_metrics.h"

#include <algorithm>

#include "worker/monitoring/metrics_text.h"

namespace podium {
namespace {

// PHASE_PREPARING_DATA: "preparing_data".
std::string name_of(proto::Phase phase) {
  std::string name = proto::Phase_Name(phase).substr(std::string_view("PHASE_").size());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c == '_' ? c : static_cast<char>(c | 32); });
  return name;
}

std::vector<std::string> phases() {
  std::vector<std::string> names;
  for (int i = 0; i < proto::Phase_ARRAYSIZE; ++i) names.push_back(name_of(static_cast<proto::Phase>(i)));
  return names;
}

// Of no trainer, nor of a newer worker's, whose phases we do not know.
std::string phase_of(const proto::TrainerState& trainer) {
  return proto::Phase_IsValid(trainer.phase()) ? name_of(trainer.phase()) : "";
}

void add_worker(MetricsText& text, const WorkerFigures& f) {
  text.gauge("podium_info", "Always 1; what this worker is stands in the labels.");
  text.sample(1, {{"version", f.version}, {"run", f.run}, {"ordinal", std::to_string(f.ordinal)}, {"name", f.name}});
  text.gauge("podium_start_time_seconds", "When the worker started, in seconds since 1970.");
  text.sample(f.start_unix_seconds);
  text.gauge("podium_coordinator_connected", "Whether the worker is connected to the coordinator and welcome there.");
  text.sample(f.connected ? 1 : 0);
  text.gauge("podium_expected_workers", "How many workers there should be.");
  text.sample(f.expected_workers);
  text.gauge("podium_resident_memory_bytes", "Resident memory of the worker, its trainer, and the trainer in reserve.");
  if (f.worker_bytes) text.sample(static_cast<double>(*f.worker_bytes), {{"process", "worker"}});
  if (f.trainer_bytes) text.sample(static_cast<double>(*f.trainer_bytes), {{"process", "trainer"}});
  if (f.standby_bytes) text.sample(static_cast<double>(*f.standby_bytes), {{"process", "standby"}});
}

void add_world(MetricsText& text, const WorkerFigures& f) {
  text.gauge("podium_world_size", "Ranks of the world that the trainer is in; 0: it is in none.");
  text.sample(f.world ? f.world->size : 0);
  text.gauge("podium_world_rank", "The trainer's rank in its world.");
  if (f.world) text.sample(f.world->rank);
  text.gauge("podium_generation_epoch", "Epoch of the newest generation that the worker was in.");
  if (f.generations > 0) text.sample(static_cast<double>(f.generation.epoch()));
  text.gauge("podium_generation", "Counter of the newest generation that the worker was in.");
  if (f.generations > 0) text.sample(static_cast<double>(f.generation.counter()));
  text.counter("podium_generations_total", "Generations that the worker was in since it started.");
  text.sample(static_cast<double>(f.generations));
  text.counter("podium_recoveries_total", "Those that began after one whose trainer here failed or was killed.");
  text.sample(static_cast<double>(f.recoveries));
  text.counter("podium_trainer_starts_total", "Trainers that the worker started, those in reserve included.");
  text.sample(static_cast<double>(f.trainer_starts));
}

void add_training(MetricsText& text, const WorkerFigures& f) {
  text.gauge("podium_trainer_phase", "What the trainer does: 1 for the phase it is in.");
  text.state("phase", phases(), phase_of(f.trainer));
  text.gauge("podium_seconds_since_progress", "Since the trainer's last piece of work.");
  text.sample(f.idle_seconds);
  text.gauge("podium_memory_state_step", "The last step in the memory state.");
  if (f.memory_step) text.sample(static_cast<double>(*f.memory_step));
  text.gauge("podium_snapshot_stall_seconds", "How long training stood still for the newest snapshot.");
  if (f.stalls.last_seconds) text.sample(*f.stalls.last_seconds);
  text.counter("podium_snapshot_stall_seconds_total", "The same of all snapshots since the worker started.");
  text.sample(f.stalls.seconds);
  text.gauge("podium_step", "The last step that the trainer finished.");
  if (f.trainer.step() > 0) text.sample(static_cast<double>(f.trainer.step()));
  text.gauge("podium_loss", "Training loss of that step, in nats a target token.");
  if (f.trainer.step() > 0) text.sample(f.trainer.loss());
  text.gauge("podium_tokens_per_second", "Source and target tokens a second of the whole world, averaged.");
  if (f.trainer.step() > 0) text.sample(f.trainer.tokens_per_second());
}

void add_bucket(MetricsText& text, const WorkerFigures::Bucket& bucket) {
  text.gauge("podium_bucket_level", "Whether the bucket has all snapshots that it should have.");
  text.sample(bucket.is_level ? 1 : 0);
  text.gauge("podium_bucket_away", "Whether the last attempt to reach the bucket failed.");
  text.sample(bucket.is_away ? 1 : 0);
  text.counter("podium_snapshots_uploaded_total", "Snapshots that were copied to the bucket.");
  text.sample(static_cast<double>(bucket.snapshots));
  text.counter("podium_snapshot_uploaded_bytes_total", "Their bytes.");
  text.sample(static_cast<double>(bucket.bytes));
  text.gauge("podium_snapshot_uploaded_step", "The step of the newest of them.");
  if (bucket.step >= 0) text.sample(static_cast<double>(bucket.step));
}

void add_coordinator(MetricsText& text, const proto::Status& status) {
  text.gauge("podium_coordinator_state", "What the run does: 1 for the state it is in.");
  text.state("state", {"waiting", "forming", "training", "ending", "finished", "stopped"}, status.state());
  text.gauge("podium_coordinator_workers_connected", "Workers that are connected to the coordinator.");
  text.sample(status.workers_connected());
  text.gauge("podium_coordinator_awaiting", "1: a generation waits for something; `worker status` says for what.");
  text.sample(status.awaiting().empty() ? 0 : 1);
  text.counter("podium_coordinator_events_total", "Events that the coordinator told since it started.");
  text.sample(static_cast<double>(status.events_total()));
}

}  // namespace

std::string worker_metrics(const WorkerFigures& figures) {
  MetricsText text;
  add_worker(text, figures);
  add_world(text, figures);
  add_training(text, figures);
  if (figures.bucket) add_bucket(text, *figures.bucket);
  if (figures.coordinator) add_coordinator(text, *figures.coordinator);
  return text.text();
}

}  // namespace podium
