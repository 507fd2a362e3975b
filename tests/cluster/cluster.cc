#include "tests/cluster/cluster.h"

#include <unistd.h>

#include <thread>

#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

// A busy machine may need seconds for one; a server that is away takes no time.
constexpr std::chrono::seconds kRequest{30};

fs::path entered(const fs::path& folder) {
  enter_node();
  fs::permissions(folder, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  for (const char* name : {"hold", "address", "linger", "token", "api-token"})
    fs::create_directories(folder / "control" / name);
  fs::create_directories(folder / "claims");
  return folder;
}

std::string group_of(const std::string& kind) {
  static const std::map<std::string, std::string> kGroups = {{"statefulsets", "/apis/apps/v1"},
                                                             {"roles", "/apis/rbac.authorization.k8s.io/v1"},
                                                             {"rolebindings", "/apis/rbac.authorization.k8s.io/v1"},
                                                             {"networkpolicies", "/apis/networking.k8s.io/v1"},
                                                             {"poddisruptionbudgets", "/apis/policy/v1beta1"}};
  const auto group = kGroups.find(kind);
  return group == kGroups.end() ? "/api/v1" : group->second;
}

std::string plural(std::string kind) {
  for (char& c : kind) c = static_cast<char>(std::tolower(c));
  return kind.ends_with('y') ? kind.substr(0, kind.size() - 1) + "ies" : kind + "s";
}

}  // namespace

bool wait_until(const std::function<bool()>& condition, std::chrono::seconds deadline) {
  const auto end = steady_clock::now() + deadline;
  while (!condition()) {
    if (steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return true;
}

std::string Cluster::missing() {
  if (::getuid() != 0) return "needs root";
  try {
    shell("unshare -n -m -p -f true; command -v ip bridge");
  } catch (const Error& error) {
    return fmt::format("no namespaces, or no iproute2: {}", error.what());
  }
  return "";
}

Cluster::Cluster(ClusterOptions options)
    : control_plane_(std::make_unique<ControlPlane>(control_plane_programs(), entered(folder_.path()))),
      api_(kServer, folder_.path() / "admin", kRequest) {
  control_plane_->start_all();
  const std::string folder = folder_.path();
  kubelet_ = std::make_unique<Process>(
      Process::Options{.arguments = {"/usr/bin/unshare", "--pid", "--fork", "--kill-child=SIGKILL",
                                     PODIUM_BINARY_DIR "/process_kubelet", "--server", kServer, "--folder", folder,
                                     "--entry-point", options.entry_point, "--image", PODIUM_BINARY_DIR},
                       .environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}});
}

std::string Cluster::path(const std::string& kind, const std::string& name_space, const std::string& name) {
  return fmt::format("{}/namespaces/{}/{}{}{}", group_of(kind), name_space, kind, name.empty() ? "" : "/", name);
}

void Cluster::make_namespace(const std::string& name) {
  const json object = {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}};
  const ApiAnswer answer = api_.post("/api/v1/namespaces", object);
  if (!answer.is_ok()) throw Error("{}", answer.error);
  // Pods are refused before, and do not start.
  const bool is_there = wait_until([&] {
    return api_.get(path("serviceaccounts", name, "default")).is_ok() &&
           api_.get(path("configmaps", name, "kube-root-ca.crt")).is_ok();
  });
  if (!is_there)
    throw Error("namespace {}: no ServiceAccount: {}", name, control_plane_->errors_of("kube-controller-manager"));
}

void Cluster::empty_namespace(const std::string& name) {
  const json orphan = {{"propagationPolicy", "Orphan"}, {"gracePeriodSeconds", 0}};
  api_.remove(path("statefulsets", name), orphan);
  wait_until([&] {
    api_.remove(path("pods", name), {{"gracePeriodSeconds", 0}});
    const ApiAnswer pods = api_.get(path("pods", name));
    return pods.is_ok() && pods.json["items"].empty();
  });
}

void Cluster::apply(const json& object, const std::string& name_space) {
  const std::string kind = plural(object.at("kind")), name = object.at("metadata").at("name");
  json owned = object;
  owned["metadata"]["namespace"] = name_space;
  ApiAnswer answer = api_.post(path(kind, name_space), owned);
  if (answer.code == 409) answer = api_.merge(path(kind, name_space, name), owned);
  if (!answer.is_ok()) throw Error("{}", answer.error);
}

json Pods::get(const std::string& pod) const {
  const ApiAnswer answer = cluster_.api().get(Cluster::path("pods", name_space_, pod));
  return answer.is_ok() ? answer.json : json();
}

std::vector<std::string> Pods::names() const {
  std::vector<std::string> names;
  const ApiAnswer answer = cluster_.api().get(Cluster::path("pods", name_space_));
  if (answer.is_ok())
    for (const json& pod : answer.json["items"]) names.push_back(pod["metadata"]["name"]);
  return names;
}

bool Pods::is_running(const std::string& pod) const {
  const json found = get(pod);
  if (found.is_null() || found["metadata"].contains("deletionTimestamp")) return false;
  const json containers = found["status"].value("containerStatuses", json::array());
  return !containers.empty() && containers[0]["state"].contains("running");
}

bool Pods::is_ready(const std::string& pod) const {
  const json found = get(pod);
  if (found.is_null()) return false;
  for (const json& condition : found["status"].value("conditions", json::array()))
    if (condition["type"] == "Ready") return condition["status"] == "True";
  return false;
}

std::string Pods::uid(const std::string& pod) const {
  const json found = get(pod);
  return found.is_null() ? "" : found["metadata"]["uid"].get<std::string>();
}

std::string Pods::address(const std::string& pod) const {
  const json found = get(pod);
  return found.is_null() ? "" : found["status"].value("podIP", "");
}

std::string Pods::log(const std::string& pod) const {
  std::string text;
  std::error_code none;
  for (const auto& container : fs::directory_iterator(cluster_.folder() / "logs" / (name_space_ + "_" + pod), none))
    for (int life = 0;; ++life) {
      const fs::path log = container.path() / fmt::format("{}.log", life);
      if (!fs::exists(log)) break;
      text += fmt::format("{}-- {}, life {}:\n{}", text.empty() ? "" : "\n", pod, life, read_file(log));
    }
  return text;
}

std::string Pods::logs() const {
  std::string text;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(cluster_.folder() / "logs", none))
    if (const std::string name = entry.path().filename(); name.starts_with(name_space_ + "_"))
      text += log(name.substr(name_space_.size() + 1)) + "\n";
  return text + "-- kubelet:\n" + cluster_.kubelet_errors();
}

void Pods::remove(const std::string& pod, int grace_seconds) const {
  json options = json::object();
  if (grace_seconds >= 0) options["gracePeriodSeconds"] = grace_seconds;
  const ApiAnswer answer = cluster_.api().remove(Cluster::path("pods", name_space_, pod), options);
  if (!answer.is_ok()) throw Error("{}", answer.error);
}

void Pods::scale(const std::string& stateful_set, int replicas) const {
  const ApiAnswer answer = cluster_.api().merge(Cluster::path("statefulsets", name_space_, stateful_set) + "/scale",
                                                {{"spec", {{"replicas", replicas}}}});
  if (!answer.is_ok()) throw Error("{}", answer.error);
}

int Pods::replicas(const std::string& stateful_set) const {
  const ApiAnswer answer = cluster_.api().get(Cluster::path("statefulsets", name_space_, stateful_set));
  return answer.is_ok() ? answer.json["spec"]["replicas"].get<int>() : -1;
}

fs::path Pods::folder(const std::string& pod) const {
  return cluster_.folder() / "pods" / (name_space_ + "_" + pod) / uid(pod);
}

pid_t Pods::process(const std::string& pod) const {
  const std::string container = get(pod)["spec"]["containers"][0]["name"];
  return std::stoi(read_file(folder(pod) / (container + ".process")));
}

void Pods::kill_container(const std::string& pod) const { ::kill(process(pod), SIGKILL); }

std::string Pods::network(const std::string& pod) const { return read_file(folder(pod) / "network"); }

fs::path Pods::volume(const std::string& pod, const std::string& volume) const {
  return folder(pod) / "volumes" / volume;
}

fs::path Pods::claim(const std::string& claim) const {
  return cluster_.folder() / "claims" / (name_space_ + "_" + claim);
}

fs::path Pods::control(const std::string& what, const std::string& pod) const {
  return cluster_.folder() / "control" / what / (name_space_ + "_" + pod);
}

void Pods::write_control(const std::string& what, const std::string& pod, const std::string& content) const {
  std::ofstream(control(what, pod)) << content;
}

}  // namespace podium::cluster
