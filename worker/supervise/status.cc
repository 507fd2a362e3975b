#include "worker/supervise/status.h"

#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "configuration/settings.h"
#include "coordinator/authentication.h"
#include "coordinator/client.h"
#include "worker/base/error.h"
#include "worker/console/display_text.h"
#include "worker/console/format.h"
#include "worker/supervise/running_workers.h"

namespace podium {
namespace {

constexpr double kPatienceSeconds = 3;
constexpr int kEventsShown = 10;

RunningWorkers find_workers(const LoadedSettings& loaded) {
  const Settings& settings = loaded.settings;
  if (!settings.workers.addresses.empty()) return {settings.workers.addresses.front(), settings.workers.secret_file};
  const std::string run = run_name(settings);
  const fs::path folder = fs::path(settings.snapshots.folder) / run;
  if (!fs::exists(running_workers_file(folder)))
    throw Error("run {} is not running here: there is no {}", run, running_workers_file(folder).string());
  return read_running_workers(folder);
}

std::string time_of_day(double unix_seconds) {
  const auto seconds = static_cast<std::time_t>(std::isfinite(unix_seconds) ? std::clamp(unix_seconds, 0.0, 1e11) : 0);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

std::string header(const proto::Status& status) {
  std::string text = fmt::format("run {}: {}", status.run_name(), status.state());
  if (status.generation().counter() > 0) text += fmt::format(", generation {}", status.generation().counter());
  text += fmt::format(", world of {} (expected {})", status.world_size(), status.expected_workers());
  if (status.step() > 0)
    text += fmt::format(", step {}, loss {:.4f}, {} tokens/s", status.step(), status.loss(),
                        format_si(status.tokens_per_second()));
  if (!status.awaiting().empty()) text += fmt::format("; waiting for {}", status.awaiting());
  return text;
}

// Columns as wide as what stands in them.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<int> widths(rows.at(0).size());
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_columns(row[i]));
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += pad_to_columns(row[i], widths[i] + 2, true);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace

std::string status_text(const proto::Status& status) {
  std::string text = header(status) + "\n";
  std::vector<std::vector<std::string>> rows = {
      {"worker", "name", "address", "rank", "step", "in memory", "heard", "state"}};
  for (const proto::Status::Worker& worker : status.workers()) {
    auto number = [](int64_t value) { return value < 0 ? std::string("-") : std::to_string(value); };
    rows.push_back({std::to_string(worker.ordinal()), worker.name(), worker.address(), number(worker.rank()),
                    number(worker.step()), number(worker.memory_step()),
                    fmt::format("{:.1f} s ago", worker.heartbeat_age_seconds()), worker.state()});
  }
  for (auto& row : rows)
    for (std::string& cell : row) cell = printable(cell);
  text += table(rows);
  for (int i = std::max(0, status.events_size() - kEventsShown); i < status.events_size(); ++i)
    text += fmt::format("{}  {}\n", time_of_day(status.events(i).unix_seconds()), status.events(i).text());
  return printable(text, true);
}

int print_status(Arguments arguments) {
  const bool as_json = take_flag(arguments, "--json");
  const LoadedSettings loaded = load_settings(arguments, environment_variables(environ));
  if (loaded.actions.help) return fmt::print("{}", settings_help("worker status [--json]")), 0;
  const RunningWorkers workers = find_workers(loaded);
  const std::string secret = workers.secret_file.empty() ? "" : read_secret(workers.secret_file);
  const proto::Status status = get_status(workers.address, secret, kPatienceSeconds);
  if (!as_json) return fmt::print("{}", status_text(status)), 0;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  options.add_whitespace = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(status, &json, options).ok())
    throw Error("the status cannot be written as JSON");
  return fmt::print("{}", json), 0;
}

}  // namespace podium
