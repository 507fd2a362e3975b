#include "tests/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <thread>

#include "tests/secrets.h"
#include "worker/base/error.h"

namespace podium {
namespace {

using std::chrono::steady_clock;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

void give(int descriptor, int as) {
  if (descriptor < 0 || ::dup2(descriptor, as) < 0) ::_exit(127);
}

}  // namespace

Process::Process(const Options& options) {
  std::vector<std::string> arguments = options.arguments, environment;
  for (const auto& [name, value] : options.environment) environment.push_back(name + "=" + value);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  const std::string output = captured_.path() / "output", errors = captured_.path() / "errors";
  const pid_t parent = ::getpid();
  id_ = ::fork();
  PODIUM_CHECK(id_ >= 0, "errno {}", errno);
  if (id_ > 0) return;

  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  // A test that runs in the background of a script may itself ignore some.
  for (int signal : {SIGINT, SIGTERM, SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
  constexpr int kCreate = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  give(options.input >= 0 ? options.input : ::open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
  give(options.output >= 0 ? options.output : ::open(output.c_str(), kCreate, 0644), STDOUT_FILENO);
  give(::open(errors.c_str(), kCreate, 0644), STDERR_FILENO);
  if (::chdir(options.folder.c_str()) == 0) ::execve(argv[0], argv.data(), envp.data());
  ::_exit(127);
}

Process::~Process() {
  if (!has_ended()) {
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  for (const std::string& log : {output(), errors()})
    if (const std::string secret = secret_in(log); !secret.empty())
      ADD_FAILURE() << "a secret (" << secret << "…) in a process's log:\n" << log;
}

void Process::send(int signal) const {
  if (!reaped_) ::kill(id_, signal);
}

bool Process::has_ended() {
  if (!reaped_) reaped_ = ::waitpid(id_, &status_, WNOHANG) == id_;
  return reaped_;
}

bool Process::wait_until(const std::function<bool()>& condition) {
  const auto deadline = steady_clock::now() + kProcessDeadline;
  while (!condition()) {
    // Once more: it may have come true just before the end.
    if (has_ended()) return condition();
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

ProcessEnd Process::wait() {
  wait_until([this] { return has_ended(); });
  if (!has_ended()) {
    ADD_FAILURE() << "still running after " << kProcessDeadline.count() << " s\n" << output() << errors();
    ::kill(id_, SIGKILL);
    reaped_ = ::waitpid(id_, &status_, 0) == id_;
  }
  if (WIFSIGNALED(status_)) return killed_by(WTERMSIG(status_));
  return exited(WEXITSTATUS(status_));
}

std::string Process::output() const {
  std::error_code absent;
  return fs::exists(captured_.path() / "output", absent) ? read_file(captured_.path() / "output") : "";
}

std::string Process::errors() const {
  std::error_code absent;
  return fs::exists(captured_.path() / "errors", absent) ? read_file(captured_.path() / "errors") : "";
}

}  // namespace podium
