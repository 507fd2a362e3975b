// Real `worker` processes on this machine, one thread each, whose recoveries are timed from outside: in the step log,
// which is looked at every 0.2 ms, in what the workers say, and in the openings of their memory states.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/base/descriptor.h"
#include "worker/base/file.h"

namespace podium {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

inline double milliseconds(Time from, Time to) { return std::chrono::duration<double, std::milli>(to - from).count(); }

struct Line {
  Time time;
  std::string text;
};

// A file or pipe whose lines are taken as they come.
class Lines {
 public:
  void open(Descriptor descriptor) { descriptor_ = std::move(descriptor); }
  template <typename Take>
  void read(Take&& take) {
    char buffer[65536];
    for (ssize_t size; (size = ::read(descriptor_.get(), buffer, sizeof buffer)) > 0;) {
      const Time now = Clock::now();
      rest_.append(buffer, static_cast<size_t>(size));
      size_t end = 0;
      while ((end = rest_.find('\n')) != std::string::npos) {
        take(Line{now, rest_.substr(0, end)});
        rest_.erase(0, end + 1);
      }
    }
  }

 private:
  Descriptor descriptor_;
  std::string rest_;
};

class TimedWorkers {
 public:
  // None is started yet. `data`: folder of the example corpus; `bin`: of the programs.
  TimedWorkers(int count, std::string preset, std::string data, std::string bin);
  ~TimedWorkers();

  int size() const { return static_cast<int>(processes_.size()); }

  void start(int ordinal);
  void start_all() {
    for (int i = 0; i < size(); ++i) start(i);
  }
  void terminate(int ordinal) { ::kill(processes_[static_cast<size_t>(ordinal)], SIGTERM); }
  void wait_for_end(int ordinal);
  // Each writes or keeps what the next start goes on from.
  void stop_all() {
    for (int i = 0; i < size(); ++i) terminate(i);
    for (int i = 0; i < size(); ++i) wait_for_end(i);
  }

  // The trainer that holds the memory state; -1: none.
  pid_t trainer(int ordinal) const;
  // Until each worker has another trainer that has read the data: since then it uses no processor time.
  void wait_for_standbys();

  // Takes in what happened, until `condition` holds. Throws Error after a minute.
  void until(const std::string& what, const std::function<bool()>& condition);
  void pause(double seconds);

  int64_t last_step() const { return last_step_; }

  struct Times {
    Time began, last_before;  // last_before: the last step of the old world
    // The trainers are asked to yield; the old world has ended; the new one is told to start; all have left MPI_Init;
    // the state is restored; the first step is finished.
    std::optional<Time> asked, ended, started, formed, restored, finished;
  };
  const Times& times() const { return times_; }
  // Ctrl-C or SIGTERM: what was measured so far is told.
  bool stop_asked() {
    constexpr timespec kNow{0, 0};
    return stopped_ = stopped_ || ::sigtimedwait(&stop_signals_, nullptr, &kNow) > 0;
  }

  // Between steps that nothing disturbed; of all there were until now.
  std::vector<double> take_step_intervals() { return std::exchange(intervals_, {}); }

  // A new world is about to be formed.
  void mark();
  void wait_for_first_step();

 private:
  void look();
  std::vector<pid_t> children_of(int ordinal) const;
  bool holds_state(pid_t process) const;
  void heard(const Line& line);
  void stepped(const Line& line);
  std::string last_words() const;

  const std::string preset_, data_, bin_;
  std::vector<pid_t> processes_;
  fs::path folder_, memory_;
  std::vector<std::string> addresses_;
  Lines said_, steps_;
  Descriptor output_, memory_watch_;
  std::vector<std::string> words_;
  int64_t last_step_ = 0, restored_step_ = -1;
  Times times_;
  bool marked_ = false, stopped_ = false;
  sigset_t stop_signals_;
  std::optional<Time> undisturbed_since_;  // the last step, with nothing under way
  std::vector<double> intervals_;
};

}  // namespace podium
