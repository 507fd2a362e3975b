// What kube-controller-manager does here: what every namespace has, pods of StatefulSets, and the end of pods that
// belong to nobody any more. A thread that looks at all of it after each change.
#pragma once

#include <atomic>
#include <thread>

#include "tests/cluster/small_api_server/store.h"

namespace podium::cluster::small {

class Controllers {
 public:
  // `authority`: the cluster's, as PEM, for the pods.
  Controllers(Store& store, std::string authority);
  ~Controllers();

 private:
  void run();
  void look();
  void furnish_namespaces();
  void collect_garbage();

  Store& store_;
  const std::string authority_;
  std::atomic<bool> is_stopped_{false};
  std::thread thread_;
};

}  // namespace podium::cluster::small
