// SIGTERM and Ctrl-C end the training at the next step boundary, with a snapshot; a second one ends it at once.
#pragma once

#include <atomic>
#include <optional>
#include <thread>

namespace podium {

// While one of these lives, SIGINT and SIGTERM come to a thread of its own and to no other: no code runs in a signal
// handler. It must not: the kernels of oneDNN's sgemm (2.6, 3.7) use the stack pointer as an ordinary register, so
// that a handler called on top of them overwrites the heap. One at a time, made before any other thread is.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // Until this call a signal ends the process at once, with exit_code_of_signal; after it, the first one is noted.
  void defer();

  // The signal that arrived, if one has.
  std::optional<int> received() const;

 private:
  std::atomic<bool> deferred_{false}, ending_{false};
  std::atomic<int> received_{0};
  std::thread watcher_;
};

// What a process that a signal stopped exits with: 130 for Ctrl-C, 143 for SIGTERM.
constexpr int exit_code_of_signal(int signal) { return 128 + signal; }

}  // namespace podium
