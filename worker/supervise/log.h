// What a worker tells people: lines on stderr.
#pragma once

#include <chrono>
#include <string>

namespace podium {

class Log {
 public:
  // `who` begins each line: "worker 1".
  explicit Log(std::string who);
  // One line, in one write, without what a terminal would obey. A progress line of the trainer's on the same terminal
  // makes room.
  void line(const std::string& text) const;

 private:
  std::string who_;
  bool terminal_;
};

// What is waited for: told after a second, and then every five.
class WaitingLog {
 public:
  explicit WaitingLog(const Log& log) : log_(log) {}
  // Empty: nothing any more. The same text goes on waiting.
  void set(const std::string& text);
  // Several times a second.
  void tick();

 private:
  using Clock = std::chrono::steady_clock;
  const Log& log_;
  std::string text_;
  Clock::time_point since_, next_;
};

}  // namespace podium
