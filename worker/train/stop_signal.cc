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

}  // namespace

StopSignal::StopSignal() {
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
