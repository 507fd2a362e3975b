// A watch of the fake server's pods, and what it told.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/kubernetes/pod_watch.h"
#include "tests/kubernetes/kubernetes_testing.h"

namespace podium::kubernetes {

struct PodWatchTest : testing::Test {
  void start(PodSelection selection = pods_of("demo", "web", "app=web")) {
    watch.emplace(cluster.io, cluster.credentials(), std::move(selection),
                  PodWatch::Handlers{[this](const PodsByName& now) {
                                       pods = now;
                                       ++changes;
                                     },
                                     [this](const std::string& text) { troubles.push_back(text); }},
                  cluster.time.time(), limits);
  }
  // Until `count` watches were opened: what was told before is through.
  bool watches(size_t count) {
    return cluster.run_until([&] { return watch_requests().size() >= count; });
  }
  // As a server does when the time is over.
  void end_watches() {
    cluster.time.now += std::chrono::seconds(5);
    server.end_watches();
  }
  bool sees(const std::map<std::string, std::string>& uids) {
    return cluster.run_until([&] {
      std::map<std::string, std::string> seen;
      for (const auto& [name, pod] : pods) seen[name] = pod.uid;
      return changes > 0 && seen == uids;
    });
  }
  std::vector<std::string> watch_requests() const { return server.requests("watch=1"); }
  std::vector<std::string> list_requests() const { return server.requests("/pods?labelSelector=app%3Dweb&limit"); }

  Cluster cluster;
  FakeApiServer& server = cluster.server;
  ApiLimits limits;
  std::optional<PodWatch> watch;
  PodsByName pods;
  int changes = 0;
  std::vector<std::string> troubles;
};

}  // namespace podium::kubernetes
