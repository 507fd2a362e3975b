// The `trainer` program: settings in, a trained model out. It computes and never supervises.
#include <signal.h>
#include <unistd.h>

#include <iostream>

#include "configuration/settings.h"
#include "worker/kernels/instruction_set.h"
#include "worker/train/trainer.h"

namespace podium {
namespace {

// --new-run: the first of NAME-2, NAME-3, … that has no folder yet.
std::string new_run_name(const Settings& settings, const std::string& name) {
  if (!fs::exists(fs::path(settings.snapshots.folder) / name)) return name;
  for (int i = 2;; ++i) {
    std::string candidate = fmt::format("{}-{}", name, i);
    if (!fs::exists(fs::path(settings.snapshots.folder) / candidate)) return candidate;
  }
}

int run(int argc, char** argv) {
  const LoadedSettings loaded =
      load_settings(std::vector<std::string>(argv + 1, argv + argc), environment_variables(environ));
  if (loaded.actions.help) return fmt::print("{}", settings_help("trainer")), 0;
  if (loaded.actions.version) return fmt::print("podium {}\n", PODIUM_VERSION), 0;
  const Settings& settings = loaded.settings;
  if (loaded.actions.dump_config) return fmt::print("{}", dump_config(settings)), 0;
  if (!settings.cloud_storage_bucket_name.empty())
    throw Error(
        "cloud_storage_bucket_name is {}: this version keeps snapshots in a folder only; leave it empty "
        "(snapshots.folder names the folder)",
        settings.cloud_storage_bucket_name);
  require_instruction_set();
  ::signal(SIGPIPE, SIG_IGN);  // a reader that goes away must not end the training
  ::signal(SIGXFSZ, SIG_IGN);  // a limit of file sizes is an error like a full disk
  std::string name = run_name(settings);
  if (loaded.actions.new_run) name = new_run_name(settings, name);
  StopSignal stop;
  TrainingDisplay display(STDOUT_FILENO, settings.progress.every_steps);
  return Trainer(settings, name, stop, display).run();
}

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  try {
    return podium::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "trainer: " << error.what() << std::endl;
    return 1;
  }
}
