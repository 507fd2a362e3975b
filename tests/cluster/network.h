// The node's network: a bridge that pods are plugged into, inside of a network namespace of its own, so that the
// machine's network stays as it is and several clusters run side by side.
#pragma once

#include <string>

namespace podium::cluster {

// The node's address as pods see it, and the API server's, which is the node's too.
inline constexpr char kNodeAddress[] = "10.244.0.1";
inline constexpr char kApiAddress[] = "10.96.0.1";
std::string pod_address(int number);  // 10.244.0.NUMBER, from 2 on

// Runs `script` in sh; returns what it printed. Throws Error with it when it fails.
std::string shell(const std::string& script);

// Moves this process, before it has threads, and all that it starts into fresh network and mount namespaces, with the
// bridge and both addresses. Throws Error where that is impossible: it takes root. All of it ends with the last
// process.
void enter_node();

// A pod's end of a wire: the namespace `name`, of at most 12 characters, with `eth0` at `address`.
void plug_in(const std::string& name, const std::string& address);
void unplug(const std::string& name);
std::string namespace_path(const std::string& name);

// Faults of a pod's wire. They last until mend().
void cut(const std::string& name);      // both ways; the pod sees that its link is down
void cut_out(const std::string& name);  // what the pod sends goes nowhere; it still receives
void cut_in(const std::string& name);   // what is sent to the pod goes nowhere; it still sends
void mend(const std::string& name);

}  // namespace podium::cluster
