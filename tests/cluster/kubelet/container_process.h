// A container as a process: PID 1 of a PID namespace of its own, with its own mounts, host name, user and rights, in
// the network namespace of its pod.
#pragma once

#include <string>
#include <vector>

#include "worker/base/file.h"

namespace podium::cluster {

struct ContainerMount {
  fs::path source;
  std::string target;
  bool is_read_only = false;
};

struct ContainerPlan {
  std::string network;  // path of the namespace
  std::string host_name, address;
  fs::path root;                   // an empty folder, where its root is put together
  std::vector<std::string> image;  // folders of this machine that the image holds, beside /usr and /etc
  std::vector<ContainerMount> mounts;
  std::vector<std::string> arguments, environment;  // "NAME=value"
  std::string folder = "/";
  int user = 0, group = 0;
  std::vector<int> groups;
  bool drops_capabilities = false, no_new_privileges = false, has_read_only_root = false;
  fs::path log;
};

struct StartedContainer {
  int process = 0;       // as the caller numbers it
  int host_process = 0;  // as /proc numbers it
};

// What fails inside is in the log, with exit code 128, as a container runtime has it. Throws Error. Its SIGKILL ends
// all of its processes: the kernel sees to that.
StartedContainer start(const ContainerPlan& plan);

}  // namespace podium::cluster
