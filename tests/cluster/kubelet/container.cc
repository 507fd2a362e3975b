#include "tests/cluster/kubelet/container.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include <fstream>

namespace podium::cluster {

using nlohmann::json;

std::string now_as_text() {
  const time_t now = ::time(nullptr);
  tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  return {text, ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

Container::Container(json spec)
    : spec_(std::move(spec)),
      name_(spec_.at("name")),
      startup_(spec_, "startupProbe", false),
      liveness_(spec_, "livenessProbe", true),
      readiness_(spec_, "readinessProbe", false) {}

void Container::start(const ContainerPlan& plan, const fs::path& process_file) {
  const StartedContainer started = cluster::start(plan);
  process_ = started.process;
  std::ofstream(process_file) << started.host_process;
  ++starts_;
  is_stopped_ = false;
  started_ = Clock::now();
  started_at_ = now_as_text();
  startup_ = Probe(spec_, "startupProbe", false);
  liveness_ = Probe(spec_, "livenessProbe", true);
  readiness_ = Probe(spec_, "readinessProbe", false);
}

void Container::could_not_start(const std::string& message, std::chrono::milliseconds wait) {
  waiting_reason_ = "CreateContainerConfigError";
  waiting_message_ = message;
  next_start_ = Clock::now() + wait;
}

void Container::stop(std::chrono::milliseconds grace) {
  if (!runs() || is_stopped_) return;
  is_stopped_ = true;
  kill_at_ = Clock::now() + grace;
  ::kill(process_, SIGTERM);
}

void Container::kill_late() {
  if (runs() && is_stopped_ && Clock::now() >= kill_at_) ::kill(process_, SIGKILL);
}

void Container::kill_and_wait() {
  if (!runs()) return;
  is_stopped_ = true;
  ::kill(process_, SIGKILL);
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = 0;
}

bool Container::ended(pid_t process, int status, std::chrono::milliseconds restart_after) {
  if (process != process_) return false;
  last_state_ = ended_state(status);
  process_ = 0;
  waiting_reason_ = "CrashLoopBackOff";
  waiting_message_ = "waits to be started again";
  next_start_ = Clock::now() + restart_after;
  return true;
}

// Nobody but a test kills it with SIGKILL when the kubelet does not: that plays the kernel out of memory.
json Container::ended_state(int status) const {
  const bool is_killed = WIFSIGNALED(status);
  const int code = is_killed ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  const char* reason = code == 0 ? "Completed" : "Error";
  if (is_killed && WTERMSIG(status) == SIGKILL && !is_stopped_) reason = "OOMKilled";
  return {{"terminated",
           {{"exitCode", code}, {"reason", reason}, {"startedAt", started_at_}, {"finishedAt", now_as_text()}}}};
}

bool Container::probe(const std::string& address) {
  if (!runs() || is_stopped_) return true;
  startup_.look(address, started_);
  if (startup_.succeeds()) {
    liveness_.look(address, started_);
    readiness_.look(address, started_);
  }
  return !startup_.has_failed() && !liveness_.has_failed();
}

json Container::status() const {
  json state = {{"waiting", {{"reason", waiting_reason_}}}};
  if (!waiting_message_.empty()) state["waiting"]["message"] = waiting_message_;
  if (runs()) state = {{"running", {{"startedAt", started_at_}}}};
  return {{"name", name_},
          {"image", spec_.value("image", "")},
          {"imageID", ""},
          {"ready", is_ready()},
          {"started", runs() && startup_.succeeds()},
          {"restartCount", std::max(0, starts_ - 1)},
          {"state", state},
          {"lastState", last_state_}};
}

}  // namespace podium::cluster
