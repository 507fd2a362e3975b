// A control plane in the node's network: at https://10.96.0.1:443, where pods look for it, and at kServer. Real: etcd,
// kube-apiserver and kube-controller-manager; or, where those are not at hand, small_api_server, which is all three in
// one process and goes by the name of kube-apiserver. They end with this object, and with the test's process however
// that ends.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/process.h"

namespace podium::cluster {

// For all but pods: between those and the server there may be a proxy (api_proxy.h).
inline constexpr char kServer[] = "https://10.244.0.1:443";

// KUBEBUILDER_ASSETS, the folder of the three; empty where it lacks one, or PODIUM_SMALL_API_SERVER is set: then tests
// run on the small one, and `why` says so.
fs::path control_plane_programs(std::string* why = nullptr);

class ControlPlane {
 public:
  // `programs` as above; `folder` gets their data, and admin/ with an administrator's token and ca.crt. Call within the
  // node's network (network.h).
  ControlPlane(fs::path programs, fs::path folder);

  // Whether it is Kubernetes' own.
  bool is_real() const { return !programs_.empty(); }

  // Throws Error with the end of a log when they do not serve within the deadline.
  void start_all();
  // "etcd", "kube-apiserver" or "kube-controller-manager" (kube-apiserver alone where it is the small one): SIGKILL; on
  // the same data; SIGSTOP and SIGCONT.
  void kill(const std::string& name);
  void start(const std::string& name);
  void stop(const std::string& name) { processes_.at(name)->send(SIGSTOP); }
  void go_on(const std::string& name) { processes_.at(name)->send(SIGCONT); }
  // After whatever a test did: all three run again. Throws Error as start_all().
  void restore();
  // Whether the API serves, right now.
  bool serves() const;
  std::string errors_of(const std::string& name) const {
    return processes_.at(is_real() ? name : "kube-apiserver")->errors();
  }

 private:
  void wait_until_it_serves();
  void write_identities() const;
  void write_kubeconfig() const;
  std::vector<std::string> names() const;  // in the order of their start
  std::vector<std::string> arguments(const std::string& name) const;

  const fs::path programs_, folder_;
  std::map<std::string, std::unique_ptr<Process>> processes_;
};

}  // namespace podium::cluster
