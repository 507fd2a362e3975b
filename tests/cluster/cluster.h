// A Kubernetes cluster on this machine for one test program: a control plane (control_plane.h: a real one with
// KUBEBUILDER_ASSETS), and pods that are processes in namespaces of their own (kubelet/kubelet.h). Takes root.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "tests/cluster/api_client.h"
#include "tests/cluster/control_plane.h"
#include "tests/cluster/network.h"

namespace podium::cluster {

inline constexpr std::chrono::seconds kWait{90 * kSlowdown};

struct ClusterOptions {
  std::string entry_point = PODIUM_BINARY_DIR "/worker";  // of containers without a command
};

class Cluster {
 public:
  // What this machine lacks to have one; empty: nothing.
  static std::string missing();

  // Moves this process into the node's namespaces (network.h). Throws Error when it does not come up.
  explicit Cluster(ClusterOptions options = {});

  ApiClient& api() { return api_; }
  ControlPlane& control_plane() { return *control_plane_; }
  const fs::path& folder() const { return folder_.path(); }
  std::string kubelet_errors() const { return kubelet_->errors(); }

  // For one test. Names are its own.
  void make_namespace(const std::string& name);
  // Ends its StatefulSets and pods at once, and waits for that.
  void empty_namespace(const std::string& name);
  // Creates or replaces an object, of any of the kinds that Podium's manifests have. Throws Error with the refusal.
  void apply(const nlohmann::json& object, const std::string& name_space);
  // The path of an object, or of all of its kind: {"pods", "demo", "web-0"}.
  static std::string path(const std::string& kind, const std::string& name_space, const std::string& name = "");

 private:
  const TemporaryFolder folder_;
  std::unique_ptr<ControlPlane> control_plane_;
  ApiClient api_;
  std::unique_ptr<Process> kubelet_;
};

// The pods of a namespace, as tests look at them and disturb them.
class Pods {
 public:
  Pods(Cluster& cluster, std::string name_space) : cluster_(cluster), name_space_(std::move(name_space)) {}

  const std::string& name_space() const { return name_space_; }
  nlohmann::json get(const std::string& pod) const;  // null: there is none
  std::vector<std::string> names() const;
  bool is_running(const std::string& pod) const;
  bool is_ready(const std::string& pod) const;
  std::string uid(const std::string& pod) const;
  std::string address(const std::string& pod) const;
  // Of all containers and lives. Empty: none yet.
  std::string log(const std::string& pod) const;
  std::string logs() const;  // of all pods, for messages of failures

  // Returns at once. `grace_seconds` < 0: the pod's own.
  void remove(const std::string& pod, int grace_seconds = -1) const;
  void scale(const std::string& stateful_set, int replicas) const;
  int replicas(const std::string& stateful_set) const;  // as wanted

  // As the kernel out of memory does: SIGKILL to all processes of its first container.
  void kill_container(const std::string& pod) const;
  // /proc's number of PID 1 of its first container.
  pid_t process(const std::string& pod) const;
  std::string network(const std::string& pod) const;  // for network.h's faults
  fs::path volume(const std::string& pod, const std::string& volume) const;
  fs::path claim(const std::string& claim) const;
  // What kubelet.h says of the files.
  fs::path control(const std::string& what, const std::string& pod) const;
  void hold(const std::string& pod) const { write_control("hold", pod, ""); }
  void release(const std::string& pod) const { fs::remove(control("hold", pod)); }
  void write_control(const std::string& what, const std::string& pod, const std::string& content) const;

 private:
  fs::path folder(const std::string& pod) const;

  Cluster& cluster_;
  const std::string name_space_;
};

// Asks ten times a second until it holds; false when `deadline` has passed.
bool wait_until(const std::function<bool()>& condition, std::chrono::seconds deadline = kWait);

}  // namespace podium::cluster
