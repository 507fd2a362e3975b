// Peers found through the Kubernetes API. Ordinal 0 follows its StatefulSet and watches all of its pods; the others
// watch one pod, ordinal 0's (facts: 10,000 watchers of 10,000 pods would ask for 600 GB of lists).
#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>

#include "coordinator/discovery/pod_identity.h"
#include "coordinator/kubernetes/pod_watch.h"
#include "coordinator/kubernetes/stateful_set_size.h"

namespace podium {

class KubernetesDiscovery : public Discovery {
 public:
  struct Options {
    PodIdentity pod;
    uint16_t port = 0;  // of the coordinator, the same in all pods
    kubernetes::TimeAndChance time = kubernetes::real_time_and_chance();
    kubernetes::ApiLimits limits = {};
  };
  KubernetesDiscovery(boost::asio::io_context& io, std::shared_ptr<kubernetes::Credentials> credentials,
                      Options options);

  PeerIdentity self() const override { return options_.pod.peer; }
  std::string own_address() const override;
  void watch(Handlers handlers) override;
  bool knows_pods() const override { return pods_ || !trouble_.empty(); }
  std::optional<std::string> refuse_pod(const std::string& name, const std::string& uid) const override;

 private:
  void follow_stateful_set();
  void watch_pods(const std::string& labels);
  void saw_set(const kubernetes::StatefulSet& set);
  void saw_pods(const kubernetes::PodsByName& pods);
  void saw_coordinators_pod(const kubernetes::PodsByName& pods);
  void tell_pods();
  void tell_trouble();

  boost::asio::io_context& io_;
  const std::shared_ptr<kubernetes::Credentials> credentials_;
  const Options options_;
  Handlers handlers_;

  std::optional<kubernetes::StatefulSetSize> size_;
  std::optional<kubernetes::PodWatch> pods_watch_;
  std::optional<kubernetes::PodsByName> pods_;  // unset: not read yet
  uint32_t expected_ = 0;                       // 0: not read yet
  SeenPods told_pods_;
  std::string coordinator_, awaiting_;                // as told last
  std::string set_trouble_, pods_trouble_, trouble_;  // the last as told
};

}  // namespace podium
