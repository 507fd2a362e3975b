// etcd, kube-apiserver and kube-controller-manager, real ones, in the node's network: at https://10.96.0.1:443, where
// pods look for them, and at kServer. They end with this object, and with the test's process however that ends.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/process.h"

namespace podium::cluster {

// For all but pods: between those and the server there may be a proxy (api_proxy.h).
inline constexpr char kServer[] = "https://10.244.0.1:443";

class ControlPlane {
 public:
  // `programs` holds the three (KUBEBUILDER_ASSETS); `folder` gets their data, and admin/ with an administrator's token
  // and ca.crt. Call within the node's network (network.h).
  ControlPlane(fs::path programs, fs::path folder);

  // Throws Error with the end of a log when they do not serve within the deadline.
  void start_all();
  // "etcd", "kube-apiserver" or "kube-controller-manager": SIGKILL; on the same data; SIGSTOP and SIGCONT.
  void kill(const std::string& name);
  void start(const std::string& name);
  void stop(const std::string& name) { processes_.at(name)->send(SIGSTOP); }
  void go_on(const std::string& name) { processes_.at(name)->send(SIGCONT); }
  // After whatever a test did: all three run again. Throws Error as start_all().
  void restore();
  // Whether the API serves, right now.
  bool serves() const;
  std::string errors_of(const std::string& name) const { return processes_.at(name)->errors(); }

 private:
  void wait_until_it_serves();
  void write_identities() const;
  void write_kubeconfig() const;
  std::vector<std::string> arguments(const std::string& name) const;

  const fs::path programs_, folder_;
  std::map<std::string, std::unique_ptr<Process>> processes_;
};

}  // namespace podium::cluster
