// The node: takes every pod, runs it as processes, tells the API how it is, and ends it as a kubelet does. It plays the
// scheduler too. One thread, which looks at the API five times a second: tests need it simple, not quick.
//
// A test tells it more by files in the cluster's folder, "control/WHAT/NAMESPACE_POD":
//   hold      the pod is not scheduled as long as the file is there
//   address   it is given the address in the file, for once
//   linger    deleted by force, it goes on running as long as the file is there
//   token, api-token   what the file says is done to its projected tokens of an audience of their own, or to the one
//   for
//             the API: "empty", "expired", or "rotate": a new one every second
#pragma once

#include "tests/cluster/kubelet/pod_runner.h"

namespace podium::cluster {

class Kubelet {
 public:
  Kubelet(ApiClient& api, KubeletOptions options);
  [[noreturn]] void run();

 private:
  void register_node();
  void reap();
  void look_at_pods();
  void take(const nlohmann::json& pod);
  bool schedule(const nlohmann::json& pod);
  void end_deleted(PodRunner& runner, const nlohmann::json& pod);
  void report(const std::string& uid, const PodRunner& runner);
  std::string free_address(const std::string& full_name);
  std::optional<std::map<std::string, std::string>> look_up(const std::string& name_space, const std::string& kind,
                                                            const std::string& name);
  bool is_controlled(const char* what, const std::string& full_name) const;

  struct Found {
    std::chrono::steady_clock::time_point at;
    std::optional<std::map<std::string, std::string>> content;
  };
  ApiClient& api_;
  const KubeletOptions options_;
  std::map<std::string, std::unique_ptr<PodRunner>> pods_;  // by uid
  std::map<std::string, nlohmann::json> reported_;          // by uid
  std::map<std::string, Found> found_;                      // ConfigMaps and Secrets by path, for a second
  int next_number_ = 2, networks_ = 0;
};

}  // namespace podium::cluster
