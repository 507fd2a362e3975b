// What the conformance tests share: a control plane without a kubelet, and objects to send it. The transcripts were
// recorded of Kubernetes 1.20.2 by PODIUM_WRITE_TRANSCRIPTS=1; a real control plane is held to them as the small one
// is.
#pragma once

#include <gtest/gtest.h>

#include "tests/cluster/api_transcript.h"
#include "tests/cluster/cluster.h"

namespace podium::cluster {

nlohmann::json object(const std::string& kind, const std::string& name,
                      const nlohmann::json& rest = nlohmann::json::object());
nlohmann::json pod(const std::string& name, const std::string& label = "web");
nlohmann::json config_map(const std::string& name, const std::string& value);
nlohmann::json stateful_set(const std::string& name, int replicas);
nlohmann::json role(const nlohmann::json& rules);
nlohmann::json binding();
nlohmann::json token_request(const std::vector<std::string>& audiences, const nlohmann::json& bound = nullptr,
                             int seconds = 600);
nlohmann::json bound_to(const std::string& name, const nlohmann::json& uid);

class ApiConformance : public testing::Test {
 protected:
  // A namespace of the test's own, ready for pods; `name` is the transcript's too.
  void begin(const std::string& name);
  void add_client(const std::string& who, const std::string& token);
  // Compares with the transcript.
  void end() const;
  std::string core(const std::string& rest) const { return "/api/v1/namespaces/" + name_ + "/" + rest; }
  std::string apps(const std::string& rest) const { return "/apis/apps/v1/namespaces/" + name_ + "/" + rest; }
  std::string rbac(const std::string& rest) const {
    return "/apis/rbac.authorization.k8s.io/v1/namespaces/" + name_ + "/" + rest;
  }
  static std::string version(const nlohmann::json& object) { return object["metadata"]["resourceVersion"]; }
  std::string token(const nlohmann::json& request);
  static fs::path administrator();  // as ApiClient's folder
  static ControlPlane& control_plane();

  std::string name_;
  Transcript t_;
};

}  // namespace podium::cluster
