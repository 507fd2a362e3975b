// What to do between two looks at transfers under way.
#pragma once

#include <chrono>
#include <thread>

namespace podium {

// A transfer moves only while somebody looks (MPI over TCP has no thread of its own), but somebody else may need the
// core: look again at once for a while, then sleep between looks. sched_yield() in between gained nothing where the
// core was free, and cost both where a thread computed on it (25 MB, 2 ranks, each with such a thread, on 2 cores).
class Backoff {
 public:
  // Something moved: begin anew.
  void reset() { waiting_ = false; }

  void pause() {
    const auto now = std::chrono::steady_clock::now();
    if (!waiting_) began_ = now;
    waiting_ = true;
    if (now - began_ >= kSpinning) std::this_thread::sleep_for(kSleep);
  }

 private:
  static constexpr std::chrono::microseconds kSpinning{50}, kSleep{50};
  bool waiting_ = false;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace podium
