#include "worker/supervise/status.h"

#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <ctime>

#include "configuration/settings.h"
#include "coordinator/authentication.h"
#include "coordinator/client.h"
#include "worker/base/error.h"
#include "worker/base/host_port.h"
#include "worker/console/display_text.h"
#include "worker/console/format.h"
#include "worker/supervise/running_workers.h"

namespace podium {
namespace {

constexpr double kPatienceSeconds = 3;
constexpr int kEventsShown = 10;

bool is_pod(const Settings::Workers& workers) {
  return std::getenv("KUBERNETES_SERVICE_HOST") != nullptr && fs::exists(workers.token_file);
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  if (::gethostname(name, HOST_NAME_MAX) != 0) throw_system_error(errno, "the host's name");
  const std::string text = name;
  return text.substr(0, text.find('.'));
}

// Only ordinal 0's pod needs no look-up to find the coordinator, which serves at the pod's own address.
RunningWorkers workers_of_pod(const Settings::Workers& workers) {
  const std::string pod = host_name();
  if (pod != coordinator_pod(pod))
    throw Error("pod {} does not hold the coordinator: ask in pod {}", pod, coordinator_pod(pod));
  const char* const address = std::getenv("POD_IP");
  if (address == nullptr)
    throw Error("POD_IP is not set: expected the pod's address, as kubernetes/stateful-set.yaml gives it");
  return {to_string(HostPort{address, static_cast<uint16_t>(workers.port)}), workers.secret_file};
}

RunningWorkers find_workers(const LoadedSettings& loaded) {
  const Settings& settings = loaded.settings;
  if (!settings.workers.addresses.empty()) return {settings.workers.addresses.front(), settings.workers.secret_file};
  if (is_pod(settings.workers)) return workers_of_pod(settings.workers);
  const std::string run = run_name(settings);
  const fs::path folder = fs::path(settings.snapshots.folder) / run;
  if (!fs::exists(running_workers_file(folder)))
    throw Error("run {} is not running here: there is no {}", run, running_workers_file(folder).string());
  return read_running_workers(folder);
}

CoordinatorPlace place_of(const RunningWorkers& workers, const Settings::Workers& options) {
  const bool is_static = !options.addresses.empty() || !is_pod(options);
  return {workers.address, options.tls_folder, is_static ? "worker-0" : coordinator_pod(host_name())};
}

// In a pod without a secret, what its worker joins with.
std::string credential_of(const RunningWorkers& workers, const Settings::Workers& options) {
  if (!workers.secret_file.empty()) return read_secret(workers.secret_file);
  return is_pod(options) ? read_token(options.token_file) : "";
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
  const Settings::Workers& options = loaded.settings.workers;
  const proto::Status status =
      get_status(place_of(workers, options), credential_of(workers, options), kPatienceSeconds);
  if (!as_json) return fmt::print("{}", status_text(status)), 0;
  google::protobuf::util::JsonPrintOptions format;
  format.preserve_proto_field_names = true;
  format.always_print_primitive_fields = true;
  format.add_whitespace = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(status, &json, format).ok())
    throw Error("the status cannot be written as JSON");
  return fmt::print("{}", json), 0;
}

}  // namespace podium
