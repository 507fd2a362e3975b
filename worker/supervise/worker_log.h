// What a worker tells: lines on stderr, in the style of worker/base/log.h.
#pragma once

#include <chrono>
#include <string>

#include "worker/base/log.h"

namespace podium {

class WorkerLog {
 public:
  // `who` begins each line: "worker 1".
  explicit WorkerLog(std::string who) : who_(std::move(who)) {}
  // One line, without what a terminal would obey.
  void line(const std::string& text, Severity severity = Severity::kInfo) const;

 private:
  std::string who_;
};

// What is waited for: told after a second, and then every five.
class WaitingLog {
 public:
  explicit WaitingLog(const WorkerLog& log) : log_(log) {}
  // Empty: nothing any more. The same text goes on waiting.
  void set(const std::string& text);
  // Several times a second.
  void tick();

 private:
  using Clock = std::chrono::steady_clock;
  const WorkerLog& log_;
  std::string text_;
  Clock::time_point since_, next_;
};

}  // namespace podium
