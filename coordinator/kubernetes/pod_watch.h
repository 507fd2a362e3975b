// The pods of a StatefulSet, or one pod, as they are now: list and watch by the rules of client-go's reflector.
#pragma once

#include <map>

#include "coordinator/kubernetes/api_connection.h"
#include "coordinator/kubernetes/pod.h"

namespace podium::kubernetes {

// Which pods. Selectors in Kubernetes' syntax, "" for all.
struct PodSelection {
  std::string name_space;
  std::string labels;  // "app=web"
  std::string fields;  // "metadata.name=web-0"
  std::string owner;   // the StatefulSet: pods of others with the same labels are left out
};
PodSelection pods_of(const std::string& name_space, const std::string& stateful_set, const std::string& labels);
PodSelection one_pod(const std::string& name_space, const std::string& pod);

using PodsByName = std::map<std::string, Pod>;

// Lists, then watches, and goes on for ever: nothing that the server does ends it.
class PodWatch {
 public:
  struct Handlers {
    // All of them, at first and whenever one changes. A pod that is replaced keeps its name and has another uid. The
    // last known set stays while the server is away.
    std::function<void(const PodsByName& pods)> changed;
    // What is wrong with its fix, when that changes; "" when all is well again.
    std::function<void(const std::string& text)> trouble;
  };
  // Handlers are called on the io_context's thread, never from here, and must not throw.
  PodWatch(boost::asio::io_context& io, std::shared_ptr<Credentials> credentials, PodSelection selection,
           Handlers handlers, TimeAndChance time = real_time_and_chance(), ApiLimits limits = {});
  ~PodWatch();  // nothing is called afterwards
  PodWatch(const PodWatch&) = delete;
  PodWatch& operator=(const PodWatch&) = delete;

 private:
  class Loop;
  std::shared_ptr<Loop> loop_;
};

}  // namespace podium::kubernetes
