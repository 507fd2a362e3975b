// A container of a pod through its lives: started, watched by its probes, ended, started again.
#pragma once

#include <sys/types.h>

#include "tests/cluster/kubelet/container_process.h"
#include "tests/cluster/kubelet/probe.h"

namespace podium::cluster {

class Container {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Container(nlohmann::json spec);

  const std::string& name() const { return name_; }
  const nlohmann::json& spec() const { return spec_; }

  bool runs() const { return process_ > 0; }
  // Whether its next life is due. A container that ended waits a little.
  bool is_due(Clock::time_point now) const { return !runs() && now >= next_start_; }
  bool is_ready() const { return runs() && startup_.succeeds() && readiness_.succeeds(); }

  void start(const ContainerPlan& plan, const fs::path& process_file);
  // What keeps it from starting, which is tried again: "CreateContainerConfigError".
  void could_not_start(const std::string& message, std::chrono::milliseconds wait);
  // SIGTERM now, SIGKILL when `grace` is over and kill_late() is called.
  void stop(std::chrono::milliseconds grace);
  void kill_late();
  // At once, and waits for its end: PID 1 ends last of all its processes.
  void kill_and_wait();
  // Of waitpid. False: another's process.
  bool ended(pid_t process, int status, std::chrono::milliseconds restart_after);
  // False: it is to be stopped and started again.
  bool probe(const std::string& address);

  // As in status.containerStatuses.
  nlohmann::json status() const;

 private:
  nlohmann::json ended_state(int status) const;

  const nlohmann::json spec_;
  const std::string name_;
  pid_t process_ = 0;
  int starts_ = 0;
  bool is_stopped_ = false;
  std::string started_at_, waiting_reason_ = "ContainerCreating", waiting_message_;
  Clock::time_point started_{}, next_start_{}, kill_at_{};
  nlohmann::json last_state_ = nlohmann::json::object();
  Probe startup_, liveness_, readiness_;
};

std::string now_as_text();  // RFC 3339

}  // namespace podium::cluster
