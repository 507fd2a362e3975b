#include "tests/cluster/kubelet/pod_runner.h"

#include <algorithm>
#include <fstream>

#include "tests/cluster/network.h"
#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kRenewal{1000};
constexpr int kNobody = 65532;

json condition(const char* type, bool is_true) { return {{"type", type}, {"status", is_true ? "True" : "False"}}; }

std::vector<std::string> texts(const json& array, const Environment& environment) {
  std::vector<std::string> result;
  for (const json& text : array) result.push_back(expanded(text, environment));
  return result;
}

fs::path folder_of(const json& pod, const fs::path& folder) {
  const json& metadata = pod.at("metadata");
  return folder / "pods" /
         fmt::format("{}_{}", metadata.at("namespace").get<std::string>(), metadata.at("name").get<std::string>()) /
         metadata.at("uid").get<std::string>();
}

}  // namespace

PodRunner::PodRunner(json pod, std::string network, std::string address, const KubeletOptions& options, ApiClient& api,
                     LookUp look_up)
    : pod_(std::move(pod)),
      network_(std::move(network)),
      address_(std::move(address)),
      options_(options),
      look_up_(look_up),
      folder_(folder_of(pod_, options.folder)),
      started_at_(now_as_text()),
      volumes_(pod_, address_, folder_, options.folder, api, std::move(look_up)) {
  fs::create_directories(folder_);
  plug_in(network_, address_);
  std::ofstream(folder_ / "network") << network_;
  for (const json& container : pod_["spec"].at("containers")) containers_.emplace_back(container);
}

PodRunner::~PodRunner() {
  // Its processes leave the volumes and the network before these are taken away.
  for (Container& container : containers_) container.kill_and_wait();
  try {
    unplug(network_);
  } catch (const Error& error) {
    fmt::print(stderr, "{}: {}\n", full_name(), error.what());
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string PodRunner::full_name() const { return folder_.parent_path().filename(); }

void PodRunner::work() {
  const auto now = Container::Clock::now();
  if (now >= next_renewal_) {
    next_renewal_ = now + (volume_trouble_.empty() ? kRenewal : kRenewal / 4);
    try {
      volumes_.renew();
      volume_trouble_.clear();
    } catch (const std::exception& error) {
      // What was there stays; a pod that has started needs no more.
      if (!volume_trouble_.empty()) volume_trouble_ = error.what();
    }
  }
  for (Container& container : containers_) {
    container.kill_late();
    if (!container.probe(address_)) container.stop(grace_period());
    if (!is_stopped_ && container.is_due(now)) start(container);
  }
}

milliseconds PodRunner::grace_period() const {
  return std::chrono::seconds(pod_["spec"].value("terminationGracePeriodSeconds", 30));
}

void PodRunner::start(Container& container) {
  if (!volume_trouble_.empty()) return container.could_not_start(volume_trouble_, options_.restart_after / 2);
  try {
    container.start(plan_for(container), folder_ / (container.name() + ".process"));
  } catch (const std::exception& error) {
    container.could_not_start(error.what(), options_.restart_after);
  }
}

ContainerPlan PodRunner::plan_for(const Container& container) const {
  const json& spec = container.spec();
  const Environment environment = environment_of(pod_, spec, address_, look_up_);
  ContainerPlan plan;
  plan.network = namespace_path(network_);
  plan.host_name = pod_["metadata"].at("name");
  plan.address = address_;
  plan.root = folder_ / "root";
  plan.image = options_.image;
  plan.log = next_log(container);
  plan.folder = spec.value("workingDir", "/");
  plan.arguments = texts(spec.value("command", json::array({options_.entry_point})), environment);
  for (const std::string& argument : texts(spec.value("args", json::array()), environment))
    plan.arguments.push_back(argument);
  for (const auto& [name, value] : environment) {
    std::erase_if(plan.environment, [&](const std::string& earlier) { return earlier.starts_with(name + "="); });
    plan.environment.push_back(name + "=" + value);
  }
  for (const json& mount : spec.value("volumeMounts", json::array())) plan.mounts.push_back(volumes_.mount_of(mount));
  set_rights(container, plan);
  return plan;
}

void PodRunner::set_rights(const Container& container, ContainerPlan& plan) const {
  const json& spec = container.spec();
  const json context = spec.value("securityContext", json::object());
  plan.user = security_number(pod_, spec, "runAsUser").value_or(kNobody);
  plan.group = security_number(pod_, spec, "runAsGroup").value_or(plan.user);
  if (const auto group = security_number(pod_, spec, "fsGroup")) plan.groups.push_back(*group);
  plan.no_new_privileges = !context.value("allowPrivilegeEscalation", true);
  plan.has_read_only_root = context.value("readOnlyRootFilesystem", false);
  const json drops = context.value("capabilities", json::object()).value("drop", json::array());
  plan.drops_capabilities = std::find(drops.begin(), drops.end(), "ALL") != drops.end();
}

fs::path PodRunner::next_log(const Container& container) const {
  const fs::path folder = options_.folder / "logs" / full_name() / container.name();
  for (int life = 0;; ++life)
    if (const fs::path log = folder / fmt::format("{}.log", life); !fs::exists(log)) return log;
}

bool PodRunner::ended(pid_t process, int status) {
  return std::any_of(containers_.begin(), containers_.end(),
                     [&](Container& container) { return container.ended(process, status, options_.restart_after); });
}

void PodRunner::stop(milliseconds grace) {
  is_stopped_ = true;
  for (Container& container : containers_) container.stop(grace);
}

bool PodRunner::is_over() const {
  return std::none_of(containers_.begin(), containers_.end(), [](const Container& c) { return c.runs(); });
}

bool PodRunner::is_ready() const {
  return !is_stopped_ &&
         std::all_of(containers_.begin(), containers_.end(), [](const auto& c) { return c.is_ready(); });
}

json PodRunner::status() const {
  json containers = json::array();
  bool have_started = true;
  for (const Container& container : containers_) {
    containers.push_back(container.status());
    have_started = have_started && (container.runs() || !containers.back()["lastState"].empty());
  }
  json status = {{"phase", have_started ? "Running" : "Pending"},
                 {"hostIP", kNodeAddress},
                 {"podIP", address_},
                 {"podIPs", json::array({{{"ip", address_}}})},
                 {"startTime", started_at_},
                 {"conditions",
                  {condition("Initialized", true), condition("ContainersReady", is_ready()),
                   condition("Ready", is_ready()), condition("PodScheduled", true)}},
                 {"containerStatuses", containers}};
  return {{"metadata", {{"uid", pod_["metadata"].at("uid")}}}, {"status", status}};
}

}  // namespace podium::cluster
