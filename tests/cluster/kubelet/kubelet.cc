#include "tests/cluster/kubelet/kubelet.h"

#include <sys/wait.h>

#include <set>
#include <thread>

#include "tests/cluster/network.h"
#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr char kNode[] = "node-1";
constexpr milliseconds kPeriod{50}, kLook{200};
constexpr int kAddresses = 250;

std::string path_of(const json& pod, const char* subresource = "") {
  return fmt::format("/api/v1/namespaces/{}/pods/{}{}", pod["metadata"]["namespace"].get<std::string>(),
                     pod["metadata"]["name"].get<std::string>(), subresource);
}

std::string full_name_of(const json& pod) {
  return fmt::format("{}_{}", pod["metadata"]["namespace"].get<std::string>(),
                     pod["metadata"]["name"].get<std::string>());
}

std::string decoded(const std::string& base64) {
  std::string result;
  unsigned bits = 0, count = 0;
  for (const char c : base64) {
    static const std::string kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t digit = kDigits.find(c);
    if (digit == std::string::npos) break;
    bits = bits << 6 | static_cast<unsigned>(digit);
    count += 6;
    if (count >= 8) result += static_cast<char>(bits >> (count -= 8));
  }
  return result;
}

}  // namespace

Kubelet::Kubelet(ApiClient& api, KubeletOptions options) : api_(api), options_(std::move(options)) {}

void Kubelet::run() {
  register_node();
  auto next_look = steady_clock::now();
  for (;;) {
    reap();
    for (auto& [uid, runner] : pods_) runner->work();
    if (steady_clock::now() >= next_look) {
      look_at_pods();
      next_look = steady_clock::now() + kLook;
    }
    std::this_thread::sleep_for(kPeriod);
  }
}

void Kubelet::register_node() {
  const json node = {{"apiVersion", "v1"},
                     {"kind", "Node"},
                     {"metadata", {{"name", kNode}, {"labels", {{"kubernetes.io/hostname", kNode}}}}}};
  const json room = {{"cpu", "64"}, {"memory", "256Gi"}, {"pods", "250"}};
  const json status = {{"status",
                        {{"capacity", room},
                         {"allocatable", room},
                         {"conditions", json::array({{{"type", "Ready"}, {"status", "True"}}})}}}};
  for (;; std::this_thread::sleep_for(kLook)) {
    const ApiAnswer made = api_.post("/api/v1/nodes", node);
    if ((made.is_ok() || made.code == 409) &&
        api_.strategic_merge(fmt::format("/api/v1/nodes/{}/status", kNode), status).is_ok())
      return;
  }
}

void Kubelet::reap() {
  for (int status = 0;;) {
    const pid_t process = ::waitpid(-1, &status, WNOHANG);
    if (process <= 0) return;
    for (auto& [uid, runner] : pods_)
      if (runner->ended(process, status)) break;
  }
}

void Kubelet::look_at_pods() {
  // From the server's cache; nothing is concluded from its silence.
  const ApiAnswer answer = api_.get("/api/v1/pods?resourceVersion=0");
  if (!answer.is_ok()) return;
  std::set<std::string> there;
  for (const json& pod : answer.json.at("items")) {
    const std::string uid = pod["metadata"]["uid"];
    there.insert(uid);
    const auto runner = pods_.find(uid);
    if (runner == pods_.end()) {
      take(pod);
    } else if (pod["metadata"].contains("deletionTimestamp")) {
      end_deleted(*runner->second, pod);
    }
  }
  for (auto entry = pods_.begin(); entry != pods_.end();) {
    const auto& [uid, runner] = *entry;
    if (there.contains(uid)) {
      report(uid, *runner);
    } else if (!is_controlled("linger", runner->full_name())) {
      reported_.erase(uid);
      entry = pods_.erase(entry);
      continue;
    }
    ++entry;
  }
}

void Kubelet::take(const json& pod) {
  const std::string uid = pod["metadata"]["uid"], full_name = full_name_of(pod);
  if (pod["metadata"].contains("deletionTimestamp")) {
    api_.remove(path_of(pod), {{"gracePeriodSeconds", 0}, {"preconditions", {{"uid", uid}}}});
    return;
  }
  if (is_controlled("hold", full_name) || !schedule(pod)) return;
  const std::string name_space = pod["metadata"]["namespace"];
  try {
    pods_[uid] = std::make_unique<PodRunner>(
        pod, fmt::format("pod{}", ++networks_), free_address(full_name), options_, api_,
        [this, name_space](const auto& kind, const auto& name) { return look_up(name_space, kind, name); });
  } catch (const std::exception& error) {
    pods_.erase(uid);
    fmt::print(stderr, "{}: {}\n", full_name, error.what());
  }
}

bool Kubelet::schedule(const json& pod) {
  if (pod["spec"].contains("nodeName")) return true;
  const json binding = {{"apiVersion", "v1"},
                        {"kind", "Binding"},
                        {"metadata", {{"name", pod["metadata"]["name"]}, {"uid", pod["metadata"]["uid"]}}},
                        {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", kNode}}}};
  return api_.post(path_of(pod, "/binding"), binding).is_ok();
}

void Kubelet::end_deleted(PodRunner& runner, const json& pod) {
  runner.stop(std::chrono::seconds(pod["metadata"].value("deletionGracePeriodSeconds", 30)));
  if (!runner.is_over()) return;
  const std::string uid = pod["metadata"]["uid"];
  report(uid, runner);
  api_.remove(path_of(pod), {{"gracePeriodSeconds", 0}, {"preconditions", {{"uid", uid}}}});
}

void Kubelet::report(const std::string& uid, const PodRunner& runner) {
  const json status = runner.status();
  json& reported = reported_[uid];
  if (reported == status) return;
  if (api_.strategic_merge(path_of(runner.pod(), "/status"), status).is_ok()) reported = status;
}

std::string Kubelet::free_address(const std::string& full_name) {
  const fs::path wanted = options_.folder / "control" / "address" / full_name;
  if (fs::exists(wanted)) {
    std::string address = read_file(wanted);
    fs::remove(wanted);
    return address;
  }
  for (int i = 0; i < kAddresses; ++i) {
    std::string address = pod_address(next_number_);
    next_number_ = next_number_ % kAddresses + 2;
    const bool is_used = std::any_of(pods_.begin(), pods_.end(), [&](const auto& entry) {
      return entry.second && entry.second->address() == address;
    });
    if (!is_used) return address;
  }
  throw Error("no address is free");
}

std::optional<std::map<std::string, std::string>> Kubelet::look_up(const std::string& name_space,
                                                                   const std::string& kind, const std::string& name) {
  const std::string path = fmt::format("/api/v1/namespaces/{}/{}/{}", name_space, kind, name);
  Found& found = found_[path];
  if (steady_clock::now() < found.at + std::chrono::seconds(1)) return found.content;
  const ApiAnswer answer = api_.get(path);
  if (answer.is_away()) return found.content;
  found.at = steady_clock::now();
  if (!answer.is_ok()) {
    found.content.reset();
    return std::nullopt;
  }
  std::map<std::string, std::string> content;
  const json data = answer.json.value("data", json::object());
  for (const auto& [key, value] : data.items())
    content[key] = kind == "secrets" ? decoded(value.get<std::string>()) : value.get<std::string>();
  found.content = std::move(content);
  return found.content;
}

bool Kubelet::is_controlled(const char* what, const std::string& full_name) const {
  return fs::exists(options_.folder / "control" / what / full_name);
}

}  // namespace podium::cluster
