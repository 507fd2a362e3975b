// The volumes of a pod as folders of this machine: made before its first container, renewed while it runs, gone with
// it.
#pragma once

#include <chrono>

#include "tests/cluster/api_client.h"
#include "tests/cluster/kubelet/atomic_folder.h"
#include "tests/cluster/kubelet/container_process.h"
#include "tests/cluster/kubelet/pod_fields.h"

namespace podium::cluster {

class PodVolumes {
 public:
  // `folder` is the pod's own; in `cluster` every PersistentVolumeClaim has a folder in claims/, and tests say what is
  // to happen to tokens in control/ (kubelet.h).
  PodVolumes(nlohmann::json pod, std::string address, fs::path folder, fs::path cluster, ApiClient& api,
             LookUp look_up);
  ~PodVolumes();
  PodVolumes(const PodVolumes&) = delete;
  PodVolumes& operator=(const PodVolumes&) = delete;

  // Makes what is not there yet, renews what the API holds anew: ConfigMaps at once, tokens when four fifths of their
  // time are over. Throws Error naming what is missing; to be called again.
  void renew();
  ContainerMount mount_of(const nlohmann::json& volume_mount) const;

 private:
  struct Token {
    std::string text, expired;
    std::chrono::steady_clock::time_point renew_at;
  };
  void make(const nlohmann::json& volume);
  void make_empty(const nlohmann::json& volume, const fs::path& folder) const;
  void add_source(const nlohmann::json& source, PublishedFiles& files);
  void add_keys(const nlohmann::json& source, const char* kind, PublishedFiles& files) const;
  void add_fields(const nlohmann::json& source, PublishedFiles& files) const;
  std::string token(const nlohmann::json& source);
  std::string token_fault(const std::string& audience) const;
  fs::path path_of(const nlohmann::json& volume) const;

  const nlohmann::json pod_;
  const std::string address_;
  const fs::path folder_, cluster_;
  ApiClient& api_;
  const LookUp look_up_;
  std::map<std::string, Token> tokens_;  // by audience
};

// Of a pod's security context and its containers': what `name` is; nullopt: not said.
std::optional<int> security_number(const nlohmann::json& pod, const nlohmann::json& container, const char* name);

}  // namespace podium::cluster
