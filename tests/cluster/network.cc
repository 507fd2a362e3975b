#include "tests/cluster/network.h"

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "worker/base/error.h"

namespace podium::cluster {
namespace {

// Nobody's.
constexpr char kNowhere[] = "02:ff:ff:ff:ff:fe";
// The node's own. A bridge without one takes the lowest of its ports', another one whenever that pod goes: the others
// would send to the old one for half a minute.
constexpr char kNode[] = "02:00:00:00:00:01";

}  // namespace

std::string pod_address(int number) { return fmt::format("10.244.0.{}", number); }

std::string namespace_path(const std::string& name) { return "/run/netns/" + name; }

std::string shell(const std::string& script) {
  const std::string command = "PATH=/usr/sbin:/usr/bin:/sbin:/bin; set -e; exec 2>&1 < /dev/null; " + script;
  FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) throw_system_error(errno, "sh");
  std::string output;
  char buffer[4096];
  for (size_t size; (size = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, size);
  const int status = ::pclose(pipe);
  if (status != 0) throw Error("{}: status {}: {}", script, WEXITSTATUS(status), output);
  return output;
}

void enter_node() {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) throw_system_error(errno, "namespaces of a network and mounts");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) throw_system_error(errno, "private mounts");
  // `ip netns` keeps its names here: where nobody else sees them.
  shell("mkdir -p /run/netns; mount -t tmpfs -o mode=755 netns /run/netns");
  shell(
      fmt::format("ip link set lo up; ip address add {}/32 dev lo; ip link add bridge address {} type bridge; "
                  "ip address add {}/24 dev bridge; ip link set bridge up",
                  kApiAddress, kNode, kNodeAddress));
}

void plug_in(const std::string& name, const std::string& address) {
  shell(fmt::format(
      "ip netns add {0}; ip link add {0} type veth peer name eth0 netns {0}; ip link set {0} master bridge up; "
      "ip -n {0} link set lo up; ip -n {0} address add {1}/24 dev eth0; ip -n {0} link set eth0 up; "
      "ip -n {0} route add default via {2}",
      name, address, kNodeAddress));
}

// The wire first: a namespace stays as long as a process is in it.
void unplug(const std::string& name) {
  shell(fmt::format("ip link delete {0} 2> /dev/null || true; ip netns delete {0} 2> /dev/null || true", name));
}

void cut(const std::string& name) { shell(fmt::format("ip -n {} link set eth0 down", name)); }

// Kernels without netem's modules can do this too: every neighbour is given an address that nobody has.
void cut_out(const std::string& name) {
  shell(fmt::format(
      "for i in $(seq 1 254); do echo neighbour replace 10.244.0.$i lladdr {1} nud permanent dev eth0; done "
      "| ip -n {0} -batch -",
      name, kNowhere));
}

// The bridge is told that the pod is at another port, and must not learn better.
void cut_in(const std::string& name) {
  shell(
      fmt::format("ip link add {0}-x type dummy 2> /dev/null || ip link add {0}-x type veth peer name {0}-y; "
                  "ip link set {0}-x master bridge up; "
                  "mac=$(ip -n {0} -br link show eth0 | awk '{{print $3}}'); "
                  "bridge fdb replace $mac dev {0}-x master static sticky",
                  name));
}

void mend(const std::string& name) {
  shell(
      fmt::format("ip -n {0} link set eth0 down; ip link delete {0}-x 2> /dev/null || true; ip -n {0} neighbour flush "
                  "nud permanent; "
                  "ip -n {0} link set eth0 up; ip -n {0} route replace default via {1}",
                  name, kNodeAddress));
}

}  // namespace podium::cluster
