// The size of a StatefulSet: followed, and set.
#pragma once

#include "coordinator/kubernetes/stateful_set.h"

namespace podium::kubernetes {

// Both go on for ever: nothing that the server does ends them. Handlers are called on the io_context's thread, never
// from here, and must not throw.
class StatefulSetSize {
 public:
  struct Handlers {
    // At first, and whenever it changes.
    std::function<void(const StatefulSet& set)> changed;
    // Why it cannot be read, with its fix, when that changes; "" when it can again.
    std::function<void(const std::string& text)> trouble;
  };
  // `handlers` may be empty: then it is not followed, and can only be set.
  StatefulSetSize(boost::asio::io_context& io, std::shared_ptr<Credentials> credentials, std::string name,
                  Handlers handlers, TimeAndChance time = real_time_and_chance(), ApiLimits limits = {});
  ~StatefulSetSize();  // nothing is called afterwards
  StatefulSetSize(const StatefulSetSize&) = delete;
  StatefulSetSize& operator=(const StatefulSetSize&) = delete;

  // It is read every ten seconds; this makes it soon, for pods that come and go tell of a change.
  void look();
  // Patches spec.replicas until the server has done it. `told` hears why it has not yet, when that changes, and "" when
  // it has. A later call takes the place of one under way.
  void set(uint32_t replicas, std::function<void(const std::string& trouble)> told);

 private:
  class Loop;
  std::shared_ptr<Loop> loop_;
};

}  // namespace podium::kubernetes
