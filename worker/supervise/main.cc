// The `worker` program, which runs in every pod: it supervises and never computes. `worker local` runs several here,
// `worker status` asks a run's coordinator, `worker average` makes one model of several snapshots, `worker convert`
// brings one into another form.
#include <google/protobuf/stubs/logging.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "coordinator/grpc_log.h"
#include "worker/base/error.h"
#include "worker/base/job_group.h"
#include "worker/base/log.h"
#include "worker/supervise/average.h"
#include "worker/supervise/convert_command.h"
#include "worker/supervise/free_addresses.h"
#include "worker/supervise/local.h"
#include "worker/supervise/status.h"
#include "worker/supervise/worker.h"

namespace podium {
namespace {

LogStyle style_of(const WorkerSetup& setup) {
  LogStyle style = log_style_of(setup.settings.monitoring.log_format);
  style.run = setup.run;
  style.worker = std::to_string(setup.settings.workers.ordinal);
  return style;
}

int run_one(const Arguments& arguments) {
  const bool local = std::getenv(kJobGroupVariable) != nullptr;
  const pid_t job = take_job_group();
  auto environment = environment_variables(environ);
  const LoadedSettings loaded = load_settings(arguments, environment);
  if (loaded.actions.help)
    return fmt::print(
               "worker          one worker: in a pod, or alone\n"
               "worker local    several workers on this machine\n"
               "worker status   what a run does at this moment\n"
               "worker average  the mean of a run's last snapshots\n"
               "worker convert  a model in another form, for other tools\n\n{}",
               settings_help("worker")),
           0;
  if (loaded.actions.version) return fmt::print("podium {}\n", PODIUM_VERSION), 0;
  if (loaded.actions.dump_config) return fmt::print("{}", dump_config(loaded.settings)), 0;
  WorkerSetup setup;
  const std::map<std::string, std::string> given = environment;
  environment[kJobGroupVariable] = std::to_string(job);
  setup.settings = loaded.settings;
  setup.run = run_name(loaded);
  setup.environment = environment;
  setup.shares_terminal = local;
  Settings::Workers& workers = setup.settings.workers;
  if (is_on_kubernetes(setup.settings, environment)) {
    setup.pod = find_pod(environment);
    workers.ordinal = setup.pod->identity.peer.ordinal;
    setup.load_again = [arguments, given, ordinal = workers.ordinal] {
      Settings settings = load_settings(arguments, given).settings;
      settings.workers.ordinal = ordinal;
      return settings;
    };
  } else if (workers.addresses.empty()) {  // alone
    workers.addresses = free_addresses(1);
    workers.ordinal = 0;
  } else if (workers.ordinal < 0) {
    throw Error("workers.ordinal is {}: expected the place of this worker in workers.addresses", workers.ordinal);
  }
  set_log_style(style_of(setup));
  if (log_style().json) take_over_grpc_log();
  setup.trainer = with_option(without_new_run(arguments), "--run_name", setup.run);
  if (setup.pod) setup.trainer = with_option(setup.trainer, "--workers.ordinal", std::to_string(workers.ordinal));
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe");
  setup.trainer.insert(setup.trainer.begin(), (own.parent_path() / "trainer").string());
  return run_worker(setup);
}

int run(Arguments arguments) {
  ::signal(SIGPIPE, SIG_IGN);  // a reader of our lines that goes away must not end the run
  // What peers send wrong is dropped, not printed, and gRPC does not tell of each stranger who fails at TLS.
  google::protobuf::SetLogHandler(nullptr);
  ::setenv("GRPC_VERBOSITY", "NONE", 0);
  const std::string command = arguments.empty() ? "" : arguments.front();
  if (command == "local") return run_local({arguments.begin() + 1, arguments.end()});
  if (command == "status") return print_status({arguments.begin() + 1, arguments.end()});
  if (command == "average") return average_snapshots({arguments.begin() + 1, arguments.end()});
  if (command == "convert") return convert_command({arguments.begin() + 1, arguments.end()});
  set_log_style(log_style_of_environment());
  return run_one(arguments);
}

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  try {
    return podium::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    podium::log_line(podium::Severity::kError, "worker", error.what());
    return 1;
  }
}
