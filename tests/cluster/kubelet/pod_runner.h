// A pod on this node from its first container to its last, and the status that the API is told.
#pragma once

#include <list>
#include <memory>
#include <optional>

#include "tests/cluster/kubelet/container.h"
#include "tests/cluster/kubelet/pod_volumes.h"

namespace podium::cluster {

struct KubeletOptions {
  fs::path folder;                 // of the cluster: logs/, pods/, claims/, control/
  std::string entry_point;         // of images whose container names no command
  std::vector<std::string> image;  // folders that images hold
  std::chrono::milliseconds restart_after{500};
};

class PodRunner {
 public:
  // `network`: the name of its network namespace, made for it.
  PodRunner(nlohmann::json pod, std::string network, std::string address, const KubeletOptions& options, ApiClient& api,
            LookUp look_up);
  ~PodRunner();  // all of it ends at once
  PodRunner(const PodRunner&) = delete;
  PodRunner& operator=(const PodRunner&) = delete;

  // Starts what is due, asks probes, kills what was told to end and did not.
  void work();
  bool ended(pid_t process, int status);
  // The pod was deleted: SIGTERM, and SIGKILL after `grace`.
  void stop(std::chrono::milliseconds grace);
  bool is_over() const;  // stopped, and nothing runs

  // For the status subresource, as a strategic merge.
  nlohmann::json status() const;

  const nlohmann::json& pod() const { return pod_; }
  std::string full_name() const;  // NAMESPACE_POD
  const std::string& address() const { return address_; }
  const std::string& network() const { return network_; }

 private:
  void start(Container& container);
  ContainerPlan plan_for(const Container& container) const;
  void set_rights(const Container& container, ContainerPlan& plan) const;
  fs::path next_log(const Container& container) const;
  bool is_ready() const;
  std::chrono::milliseconds grace_period() const;

  const nlohmann::json pod_;
  const std::string network_, address_;
  const KubeletOptions& options_;
  const LookUp look_up_;
  const fs::path folder_;
  const std::string started_at_;
  PodVolumes volumes_;
  std::list<Container> containers_;
  std::string volume_trouble_ = "not made yet";
  bool is_stopped_ = false;
  Container::Clock::time_point next_renewal_{};
};

}  // namespace podium::cluster
