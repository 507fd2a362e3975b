#include "worker/supervise/local_workers.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <optional>

#include "worker/base/error.h"
#include "worker/supervise/worker_log.h"

namespace podium {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr int kGivesUp = 1;
constexpr size_t kStartsAMinute = 20;
// The workers end within 25 s of a signal by themselves.
constexpr seconds kPatience{30};
// After the end of worker 0 the others have heard of it.
constexpr seconds kFarewell{5};

class Child {
 public:
  Child(const LocalWorker& worker, bool quiet) : worker_(worker), quiet_(quiet) {}

  bool runs() const { return id_ > 0; }
  std::optional<int> end() const { return end_; }  // of the last start; a signal is 128 more
  void send(int signal) const {
    if (runs()) ::kill(id_, signal);
  }
  void start();
  // Whether it was the process that has ended with `status`.
  bool has_ended(pid_t id, int status);
  // When it may be started again: at once, unless it was too often.
  Clock::time_point next_start() const {
    return starts_.size() < kStartsAMinute ? Clock::now() : starts_.front() + std::chrono::minutes(1);
  }

 private:
  const LocalWorker& worker_;
  const bool quiet_;
  pid_t id_ = -1;
  std::optional<int> end_;
  std::deque<Clock::time_point> starts_;
};

sigset_t signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&set, signal);
  return set;
}

void Child::start() {
  std::vector<std::string> arguments = worker_.arguments, environment;
  for (const auto& [name, value] : worker_.environment) environment.push_back(fmt::format("{}={}", name, value));
  std::vector<char*> argv, envp;
  for (std::string& text : arguments) argv.push_back(text.data());
  for (std::string& text : environment) envp.push_back(text.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const pid_t parent = ::getpid();
  end_.reset();
  starts_.push_back(Clock::now());
  if (starts_.size() > kStartsAMinute) starts_.pop_front();
  id_ = ::fork();
  if (id_ < 0) throw_system_error(errno, "fork");
  if (id_ > 0) return;

  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::setpgid(0, 0);  // Ctrl-C comes to us alone, and from us to it
  const sigset_t set = signals();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  if (quiet_) ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
  ::execve(argv[0], argv.data(), envp.data());
  ::_exit(127);
}

bool Child::has_ended(pid_t id, int status) {
  if (id != id_) return false;
  id_ = -1;
  end_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return true;
}

class LocalWorkers {
 public:
  explicit LocalWorkers(const std::vector<LocalWorker>& workers) {
    for (size_t i = 0; i < workers.size(); ++i) children_.emplace_back(workers[i], i > 0);
  }
  ~LocalWorkers() {
    send(SIGKILL);
    while (any_runs() && reap(true)) continue;
  }

  int run() {
    const sigset_t set = signals();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    // The trainers of a worker that is killed come to us to be reaped.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (Child& child : children_) child.start();
    while (any_runs() || !ending_) {
      constexpr timespec kTenth{0, 100'000'000};
      const int signal = ::sigtimedwait(&set, nullptr, &kTenth);
      if (signal > 0 && signal != SIGCHLD) {
        send(signal);
        end_within(kPatience);
      }
      watch();
    }
    return code_.value_or(children_.front().end().value_or(1));
  }

 private:
  bool any_runs() const {
    return std::any_of(children_.begin(), children_.end(), [](const Child& child) { return child.runs(); });
  }
  // One process that has ended; false: there is none (yet).
  bool reap(bool wait) {
    int status = 0;
    const pid_t id = ::waitpid(-1, &status, wait ? 0 : WNOHANG);
    if (id <= 0) return id < 0 && errno == EINTR;
    for (Child& child : children_)
      if (child.has_ended(id, status)) act_on_end_of(child);
    return true;
  }
  void send(int signal) const {
    for (const Child& child : children_) child.send(signal);
  }
  void end_within(seconds patience) {
    if (!ending_) kill_at_ = Clock::now() + patience;
    ending_ = true;
  }

  void watch() {
    while (reap(false)) continue;
    for (Child& child : children_) {
      if (ending_ || child.runs() || child.end() == 0 || Clock::now() < child.next_start()) continue;
      child.start();
    }
    if (ending_ && Clock::now() >= kill_at_) {
      send(asked_ ? SIGKILL : SIGTERM);
      asked_ = true;
      kill_at_ = Clock::now() + kPatience;
    }
  }

  void act_on_end_of(const Child& child) {
    if (ending_) return;
    if (child.end() == kGivesUp) {
      code_ = kGivesUp;
      send(SIGTERM);
      asked_ = true;
      end_within(kPatience);
    } else if (child.end() == 0 && &child == &children_.front()) {
      end_within(kFarewell);
    }
  }

  std::deque<Child> children_;
  bool ending_ = false;  // nobody is started again
  bool asked_ = false;   // by us, with SIGTERM
  Clock::time_point kill_at_;
  std::optional<int> code_;
};

}  // namespace

int run_local_workers(const std::vector<LocalWorker>& workers) { return LocalWorkers(workers).run(); }

}  // namespace podium
