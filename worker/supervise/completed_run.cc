#include "worker/supervise/completed_run.h"

#include <signal.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <chrono>

#include "worker/base/error.h"
#include "worker/base/log.h"
#include "worker/monitoring/http_server.h"
#include "worker/monitoring/metrics_text.h"
#include "worker/monitoring/process_memory.h"
#include "worker/monitoring/worker_metrics.h"
#include "worker/storage/local_store.h"
#include "worker/supervise/when_done.h"

namespace podium {
namespace {

// Of a worker that has nothing to do: it lives, and serves.
HttpPages idle_pages(const WorkerSetup& setup, const Completion& completion) {
  WorkerFigures figures;
  figures.version = PODIUM_VERSION;
  figures.run = setup.run;
  figures.ordinal = static_cast<uint32_t>(std::max<int64_t>(setup.settings.workers.ordinal, 0));
  figures.name = setup.pod ? setup.pod->identity.peer.name : fmt::format("worker-{}", figures.ordinal);
  figures.expected_workers = expected_at_first(setup);
  figures.start_unix_seconds =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  figures.trainer.set_step(completion.step);
  HttpPages pages;
  pages["/healthz"] = pages["/readyz"] = [] { return HttpPage{200, "ok\n"}; };
  pages["/metrics"] = [figures]() mutable {
    figures.worker_bytes = resident_bytes(::getpid());
    return HttpPage{200, worker_metrics(figures), kMetricsType};
  };
  return pages;
}

}  // namespace

std::optional<Completion> find_completed(const Settings& settings, const std::string& run) {
  LocalStore store(settings.snapshots.folder);
  std::optional<Completion> completion = find_completion(store, run);
  const Settings::Training& limits = settings.training;
  const RunLimits now{limits.epochs, limits.max_steps, limits.max_minutes, settings.validation.patience};
  if (completion && goes_further(now, completion->limits)) return std::nullopt;
  return completion;
}

int end_completed(const WorkerSetup& setup, const Completion& completion) {
  boost::asio::io_context io;
  boost::asio::signal_set signals(io);
  std::optional<HttpServer> pages;
  std::optional<kubernetes::StatefulSetSize> size;
  if (stays_when_done(setup)) {  // before anybody can know that it idles
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) signals.add(signal);
    signals.async_wait([&io](const boost::system::error_code&, int) { io.stop(); });
    const int64_t port = setup.settings.monitoring.port;
    if (port > 0) pages.emplace(io, static_cast<uint16_t>(port), idle_pages(setup, completion));
  }
  log_line(Severity::kInfo, "",
           fmt::format("run {} is complete (step {}); raise its limits, choose another run_name, or use --new-run",
                       setup.run, completion.step),
           STDOUT_FILENO);
  // Its worker may have ended before it could.
  if (scales_to_zero(setup) && setup.pod->identity.peer.ordinal == 0) {
    size.emplace(io, setup.pod->credentials, setup.pod->identity.stateful_set, kubernetes::StatefulSetSize::Handlers{});
    scale_to_zero(*size, setup, WorkerLog("worker 0"));
  }
  io.run();  // at once, when nothing waits
  return 0;
}

}  // namespace podium
