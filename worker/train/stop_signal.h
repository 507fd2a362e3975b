// SIGTERM and Ctrl-C end the training at the next step boundary, with a snapshot; a second one ends it at once.
#pragma once

#include <optional>

namespace podium {

// While one of these lives, SIGINT and SIGTERM are noted instead of ending the process. One at a time.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // The signal that arrived, if one has.
  std::optional<int> received() const;
};

// What a process that a signal stopped exits with: 130 for Ctrl-C, 143 for SIGTERM.
constexpr int exit_code_of_signal(int signal) { return 128 + signal; }

}  // namespace podium
