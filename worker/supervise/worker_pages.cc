// What a worker tells over HTTP: whether it lives, whether it serves, and its figures for Prometheus.
#include <unistd.h>

#include "worker/monitoring/metrics_text.h"
#include "worker/monitoring/process_memory.h"
#include "worker/supervise/worker_loop.h"

namespace podium {
namespace {

using std::chrono::steady_clock;

// However often they are asked for, figures are collected so often at most.
constexpr std::chrono::milliseconds kFiguresAge{200};

}  // namespace

// Asked on the loop's thread: an answer says that the loop goes round.
void WorkerLoop::serve_pages() {
  const int64_t port = setup_.settings.monitoring.port;
  if (port == 0) return;
  HttpPages pages;
  pages["/healthz"] = [] { return HttpPage{200, "ok\n"}; };
  pages["/readyz"] = [this] { return readiness(); };
  pages["/metrics"] = [this, text = std::string(), collected = steady_clock::time_point()]() mutable {
    if (text.empty() || steady_clock::now() - collected > kFiguresAge) {
      text = worker_metrics(figures());
      collected = steady_clock::now();
    }
    return HttpPage{200, text, kMetricsType};
  };
  pages_.emplace(io_, static_cast<uint16_t>(port), std::move(pages));
}

// Whatever its peers do: else a rolling update would not get past its first pod.
HttpPage WorkerLoop::readiness() const {
  if (signal_) return {503, "it was told to end\n"};
  if (run_ended_ && !idle_) return {503, "the run has ended\n"};
  if (!trainers_) return {503, "it begins\n"};
  return {200, "ok\n"};
}

WorkerFigures WorkerLoop::figures() const {
  WorkerFigures figures;
  figures.version = PODIUM_VERSION;
  figures.run = setup_.run;
  figures.name = self_.name;
  figures.ordinal = self_.ordinal;
  figures.expected_workers = expected_;
  figures.start_unix_seconds = std::chrono::duration<double>(started_.time_since_epoch()).count();
  figures.connected = client_ && client_->is_connected();
  if (in_world_) figures.world = {rank_, world_size_};
  figures.generation = world_;
  figures.generations = generations_;
  figures.recoveries = recoveries_;
  figures.stalls = stalls_;
  if (const int64_t step = memory_step(); step >= 0) figures.memory_step = step;
  figures.worker_bytes = resident_bytes(::getpid());
  if (bucket_ != nullptr) {
    const Bucket::Uploads done = bucket_->uploads();
    figures.bucket = {bucket_->is_level(), !bucket_->trouble().empty(), done.snapshots, done.bytes, done.step};
  }
  if (service_) figures.coordinator = service_->status();
  if (!trainers_) return figures;
  figures.trainer = trainers_->state();
  figures.idle_seconds = trainers_->idle_seconds();
  figures.trainer_starts = trainers_->starts();
  if (const auto process = trainers_->process()) figures.trainer_bytes = resident_bytes(*process);
  if (const auto process = trainers_->standby_process()) figures.standby_bytes = resident_bytes(*process);
  return figures;
}

}  // namespace podium
