#include "worker/train/stop_signal.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "worker/base/error.h"

namespace podium {
namespace {

// The one thing that a signal handler can reach.
std::atomic<int> received_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

void note(int signal) {
  if (received_signal.exchange(signal) != 0) ::_exit(exit_code_of_signal(signal));
}

void handle_with(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (int signal : {SIGINT, SIGTERM}) PODIUM_CHECK(::sigaction(signal, &action, nullptr) == 0);
}

}  // namespace

StopSignal::StopSignal() {
  received_signal = 0;
  handle_with(note);
}

StopSignal::~StopSignal() { handle_with(SIG_DFL); }

std::optional<int> StopSignal::received() const {
  const int signal = received_signal;
  return signal == 0 ? std::nullopt : std::optional(signal);
}

}  // namespace podium
