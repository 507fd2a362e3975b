#include "worker/supervise/local.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "worker/base/error.h"
#include "worker/base/job_group.h"
#include "worker/storage/temporary_file.h"
#include "worker/supervise/completed_run.h"
#include "worker/supervise/free_addresses.h"
#include "worker/supervise/local_workers.h"
#include "worker/supervise/memory_folder.h"
#include "worker/supervise/running_workers.h"

namespace podium {
namespace {

constexpr int64_t kMostWorkers = 256;

// Removed with all that is in it.
class PrivateFolder {
 public:
  PrivateFolder() {
    std::string pattern = (fs::temp_directory_path() / "podium-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw_system_error(errno, pattern);
    path_ = pattern;
  }
  ~PrivateFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// The file that tells where the workers are, for as long as they are there.
class Announcement {
 public:
  Announcement(fs::path run_folder, const RunningWorkers& workers) : run_folder_(std::move(run_folder)) {
    write_running_workers(run_folder_, workers);
  }
  ~Announcement() { ::unlink(running_workers_file(run_folder_).c_str()); }
  Announcement(const Announcement&) = delete;
  Announcement& operator=(const Announcement&) = delete;

 private:
  fs::path run_folder_;
};

int64_t parse_workers(const std::string& text) {
  int64_t workers = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), workers);
  if (error != std::errc() || end != text.data() + text.size() || workers < 1 || workers > kMostWorkers)
    throw Error("command line --workers: found \"{}\", expected a number from 1 to {}", text, kMostWorkers);
  return workers;
}

int64_t own_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  return ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
}

}  // namespace

int run_local(Arguments arguments) {
  const std::optional<std::string> asked = take_option(arguments, "--workers");
  const auto environment = environment_variables(environ);
  const LoadedSettings loaded = load_settings(arguments, environment);
  const Settings& settings = loaded.settings;
  if (loaded.actions.help) return fmt::print("{}", settings_help("worker local [--workers N]")), 0;
  if (loaded.actions.version) return fmt::print("podium {}\n", PODIUM_VERSION), 0;
  if (loaded.actions.dump_config) return fmt::print("{}", dump_config(settings)), 0;
  const int64_t count = parse_workers(asked.value_or(std::to_string(settings.worker_count)));

  if (settings.monitoring.port + count - 1 > 65535)
    throw Error("monitoring.port is {}: expected one with {} more behind it, for as many workers",
                settings.monitoring.port, count - 1);

  const std::string run = run_name(loaded);
  if (const auto completion = find_completed(settings, run)) {
    WorkerSetup setup;
    setup.settings = settings;
    setup.run = run;
    return end_completed(setup, *completion);
  }
  const fs::path run_folder = fs::absolute(settings.snapshots.folder) / run;
  create_folders(run_folder);
  remove_ownerless_memory();
  std::optional<fs::path> memory;
  if (settings.workers.memory_folder.empty()) memory = memory_folder_of(run_folder);

  const PrivateFolder folder;
  const std::string secret_file = (folder.path() / "secret").string();
  write_private_file(secret_file, random_secret());
  const std::vector<std::string> addresses = free_addresses(static_cast<size_t>(count));
  const Announcement announcement(run_folder, {addresses.front(), secret_file});

  arguments = with_option(without_new_run(arguments), "--run_name", run);
  arguments = with_option(arguments, "--workers.addresses", fmt::format("{}", fmt::join(addresses, ",")));
  arguments = with_option(arguments, "--workers.secret_file", secret_file);
  if (memory) arguments = with_option(arguments, "--workers.memory_folder", memory->string());
  // Lines for people, unless they ask for others, wherever this runs.
  if (settings.monitoring.log_format == LogFormat::kAuto)
    arguments = with_option(arguments, "--monitoring.log_format", "text");
  if (settings.device.threads == 0)
    arguments = with_option(arguments, "--device.threads", std::to_string(std::max<int64_t>(1, own_cores() / count)));
  std::vector<LocalWorker> workers;
  for (int64_t i = 0; i < count; ++i) {
    const fs::path temporary = folder.path() / std::to_string(i);
    fs::create_directory(temporary);
    LocalWorker worker{with_option(arguments, "--workers.ordinal", std::to_string(i)), environment};
    if (settings.monitoring.port > 0)
      worker.arguments =
          with_option(worker.arguments, "--monitoring.port", std::to_string(settings.monitoring.port + i));
    worker.arguments.insert(worker.arguments.begin(), fs::read_symlink("/proc/self/exe").string());
    worker.environment["TMPDIR"] = temporary.string();
    worker.environment[kJobGroupVariable] = std::to_string(::getpgrp());
    workers.push_back(std::move(worker));
  }
  const int code = run_local_workers(workers);
  if (memory) remove_if_empty(*memory);
  return code;
}

}  // namespace podium
