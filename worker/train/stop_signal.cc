#include "worker/train/stop_signal.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "worker/base/error.h"

namespace podium {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM}) sigaddset(&set, signal);
  return set;
}

// Constructors of libraries install some before main: those of UCX, which Open MPI 5 links, for faults and SIGHUP.
void remove_signal_handlers() {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action;
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) ::signal(signal, SIG_DFL);
  }
}

}  // namespace

StopSignal::StopSignal() {
  remove_signal_handlers();
  const sigset_t set = stop_signals();
  PODIUM_CHECK(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  watcher_ = std::thread([this, set] {
    for (int signal = 0; ::sigwait(&set, &signal) == 0 && !ending_;) {
      if (!deferred_ || received_.exchange(signal) != 0) ::_exit(exit_code_of_signal(signal));
    }
  });
}

StopSignal::~StopSignal() {
  ending_ = true;
  ::pthread_kill(watcher_.native_handle(), SIGTERM);
  watcher_.join();
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void StopSignal::defer() { deferred_ = true; }

std::optional<int> StopSignal::received() const {
  const int signal = received_;
  return signal == 0 ? std::nullopt : std::optional(signal);
}

}  // namespace podium
