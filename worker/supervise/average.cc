#include "worker/supervise/average.h"

#include <unistd.h>

#include <charconv>
#include <iostream>

#include "configuration/settings.h"
#include "worker/base/error.h"
#include "worker/snapshot/average.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

constexpr const char* kUsage =
    "worker average --last COUNT [RUN or its folder] --to FOLDER [settings]\n"
    "  the mean of the run's last COUNT whole snapshots, as a folder that `test` and MarianMTModel open\n"
    "  without RUN: the run that the settings name\n";

int64_t parse_count(const std::string& text) {
  int64_t count = 0;
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, count).ptr != end || count < 1 || count > 10000)
    throw Error("command line --last: found {}, expected a number of snapshots from 1 to 10000", text);
  return count;
}

}  // namespace

int average_snapshots(Arguments arguments) {
  if (take_flag(arguments, "--help")) return fmt::print("{}", kUsage), 0;
  const std::optional<std::string> last = take_option(arguments, "--last"), to = take_option(arguments, "--to");
  if (!last || !to || to->empty()) throw Error("average: --last and --to are needed\n{}", kUsage);
  const int64_t count = parse_count(*last);
  std::string run;
  if (!arguments.empty() && !arguments.front().starts_with("-")) {
    run = arguments.front();
    arguments.erase(arguments.begin());
  }
  const Settings settings = load_settings(arguments, environment_variables(environ)).settings;
  namespace fs = std::filesystem;
  std::error_code ignored;
  const bool is_folder = !run.empty() && fs::is_directory(run, ignored);
  const fs::path folder =
      is_folder ? fs::canonical(run) : fs::path(settings.snapshots.folder) / (run.empty() ? run_name(settings) : run);
  if (!fs::is_directory(folder, ignored)) throw Error("{}: there is no such run", folder.string());

  LocalStore store(folder.parent_path());
  SnapshotStore snapshots(store, folder.filename().string(),
                          [](const std::string& text) { std::cerr << "warning: " << text << std::endl; });
  const std::vector<Snapshot> chosen = newest_snapshots(snapshots, count);
  write_average(chosen, *to);
  std::string names;
  for (const Snapshot& snapshot : chosen) names += (names.empty() ? "" : ", ") + snapshot.name;
  fmt::print("{}: the mean of {} of run {}\n", *to, names, snapshots.run());
  return 0;
}

}  // namespace podium
