#include "worker/supervise/completed_run.h"

#include <signal.h>

#include <cstdio>

#include "worker/storage/local_store.h"
#include "worker/supervise/when_done.h"

namespace podium {

std::optional<Completion> find_completed(const Settings& settings, const std::string& run) {
  LocalStore store(settings.snapshots.folder);
  std::optional<Completion> completion = find_completion(store, run);
  const Settings::Training& limits = settings.training;
  const RunLimits now{limits.epochs, limits.max_steps, limits.max_minutes, settings.validation.patience};
  if (completion && goes_further(now, completion->limits)) return std::nullopt;
  return completion;
}

int end_completed(const WorkerSetup& setup, const Completion& completion) {
  sigset_t ends;
  ::sigemptyset(&ends);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&ends, signal);
  const bool idles = setup.settings.when_done == Settings::WhenDone::kIdle;
  if (idles) ::sigprocmask(SIG_BLOCK, &ends, nullptr);  // before anybody can know that it idles
  fmt::print("run {} is complete (step {}); raise its limits, choose another run_name, or use --new-run\n", setup.run,
             completion.step);
  std::fflush(stdout);
  if (scales_to_zero(setup)) {
    scale_to_zero_and_wait(setup);
    return 0;
  }
  int signal = 0;
  if (idles) ::sigwait(&ends, &signal);
  return 0;
}

}  // namespace podium
