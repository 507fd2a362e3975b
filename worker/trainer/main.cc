// The `trainer` program: settings in, a trained model out. It computes and never supervises. Under a worker it first
// prepares, then waits for its world, then trains at one rank of it.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "configuration/settings.h"
#include "worker/base/descriptor.h"
#include "worker/base/fault_point.h"
#include "worker/base/job_group.h"
#include "worker/base/log.h"
#include "worker/collective/mpi.h"
#include "worker/data/bad_data.h"
#include "worker/kernels/instruction_set.h"
#include "worker/snapshot/epochs.h"
#include "worker/supervise/exit_codes.h"
#include "worker/train/trainer.h"
#include "worker/trainer/preparation.h"

namespace podium {
namespace {

int train_alone(const Settings& settings, const std::string& run, StopSignal& signals) {
  TrainingDisplay display(STDOUT_FILENO, settings.progress.every_steps, steady_seconds, ::getpgrp(), log_style());
  LocalStore store(settings.snapshots.folder);
  Alone alone;
  const TrainerWorld world{.ranks = alone, .signals = signals, .epoch = highest_epoch(store, run)};
  const std::unique_ptr<Task> task = prepare(settings, run, display);
  return Trainer(settings, run, *task, world, display).run();
}

// What others still need of this rank has arrived when all are here.
[[noreturn]] void leave_world(MpiWorld& ranks, TrainingDisplay& display, int code) {
  gather_numbers(ranks, 0);
  ranks.leave();
  display.finish();
  std::fflush(nullptr);
  ::_exit(code);
}

int train_in_world(const Settings& settings, const std::string& run, StopSignal& signals, WorkerLink& worker,
                   pid_t job) {
  // Nobody looks at a trainer that stands by, nor at other ranks than 0.
  const Descriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  TrainingDisplay silent(nowhere.get(), settings.progress.every_steps);
  worker.phase(TrainerPhase::kPreparingData);
  const std::unique_ptr<Task> task = prepare(settings, run, silent);
  worker.prepared(task->data_hash(), instruction_set());
  const StartTraining start = worker.wait_for_start();
  set_fault_identity(static_cast<uint32_t>(std::max<int64_t>(settings.workers.ordinal, 0)), start.generation);
  for (const auto& [name, value] : start.environment) ::setenv(name.c_str(), value.c_str(), 1);
  // oneDNN's own choice; all other kernels give the same bits on both.
  if (start.instruction_set != instruction_set()) ::setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
  worker.phase(TrainerPhase::kForming);
  fault_point("forming");
  MpiWorld ranks(start.rank, start.world_size);
  const bool leads = start.rank == 0;
  TrainingDisplay display(leads ? STDOUT_FILENO : nowhere.get(), settings.progress.every_steps, steady_seconds, job,
                          log_style());
  const TrainerWorld world{ranks, signals, &worker, start.epoch, start.generation};
  try {
    const int code = Trainer(settings, run, *task, world, display).run();
    leave_world(ranks, display, code);
  } catch (const Superseded& error) {
    worker.failure(error.what());
    return kExitSuperseded;
  }
}

LogStyle style_of(const Settings& settings, const std::string& run) {
  LogStyle style = log_style_of(settings.monitoring.log_format);
  style.run = run;
  if (settings.workers.ordinal >= 0) style.worker = std::to_string(settings.workers.ordinal);
  return style;
}

int run(const LoadedSettings& loaded, StopSignal& signals, WorkerLink* worker, pid_t job) {
  const Settings& settings = loaded.settings;
  if (worker == nullptr && !settings.cloud_storage_bucket_name.empty())
    throw Error(
        "cloud_storage_bucket_name is {}: the worker takes snapshots there, and a trainer alone does not; run "
        "`worker`, "
        "or leave it empty",
        settings.cloud_storage_bucket_name);
  require_instruction_set();
  ::signal(SIGPIPE, SIG_IGN);  // a reader that goes away must not end the training
  ::signal(SIGXFSZ, SIG_IGN);  // a limit of file sizes is an error like a full disk
  const std::string name = run_name(loaded);
  set_log_style(style_of(settings, name));
  return worker == nullptr ? train_alone(settings, name, signals)
                           : train_in_world(settings, name, signals, *worker, job);
}

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  using namespace podium;
  StopSignal signals;  // before any other thread is
  std::unique_ptr<WorkerLink> worker;
  int code = 1;
  set_log_style(log_style_of_environment());
  try {
    worker = WorkerLink::from_environment();
    const pid_t job = take_job_group();
    const LoadedSettings loaded =
        load_settings(std::vector<std::string>(argv + 1, argv + argc), environment_variables(environ));
    if (loaded.actions.help) return fmt::print("{}", settings_help("trainer")), 0;
    if (loaded.actions.version) return fmt::print("podium {}\n", PODIUM_VERSION), 0;
    if (loaded.actions.dump_config) return fmt::print("{}", dump_config(loaded.settings)), 0;
    code = run(loaded, signals, worker.get(), job);
  } catch (const std::exception& error) {
    if (worker != nullptr && dynamic_cast<const BadData*>(&error) != nullptr) code = kExitBadData;
    if (worker != nullptr) {
      worker->failure(error.what());
    } else {
      log_line(Severity::kError, "trainer", error.what());
    }
  }
  return code;
}
