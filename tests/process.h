// A child process of a test: a real program, with what it prints captured in files, that no test waits for longer than
// a minute (more with a sanitizer).
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "tests/slowdown.h"
#include "tests/temporary_folder.h"

namespace podium {

inline constexpr std::chrono::seconds kProcessDeadline{120 * kSlowdown};

// How a process ended: its exit code, or the signal that killed it.
struct ProcessEnd {
  int code = 0;
  int signal = 0;
  bool operator==(const ProcessEnd&) const = default;
};
inline std::ostream& operator<<(std::ostream& out, const ProcessEnd& end) {
  return end.signal != 0 ? out << "killed by signal " << end.signal : out << "exit code " << end.code;
}
inline ProcessEnd exited(int code) { return {code, 0}; }
inline ProcessEnd killed_by(int signal) { return {0, signal}; }

class Process {
 public:
  struct Options {
    std::vector<std::string> arguments;              // the program's path first
    std::map<std::string, std::string> environment;  // all of it
    fs::path folder = ".";                           // where it runs
    int input = -1;                                  // its standard input; -1: nothing to read
    int output = -1;                                 // its standard output; -1: captured
  };

  explicit Process(const Options& options);
  ~Process();  // kills it when it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal) const;

  pid_t id() const { return id_; }

  // Waits for the end. A process that takes longer than the deadline is a failure, and is killed.
  ProcessEnd wait();

  // Waits until `condition` holds. False: the process ended, or the deadline passed, before it did.
  bool wait_until(const std::function<bool()>& condition);

  bool has_ended();

  // What it wrote so far.
  std::string output() const;
  std::string errors() const;

 private:
  TemporaryFolder captured_;
  pid_t id_ = -1;
  bool reaped_ = false;
  int status_ = 0;
};

// The outcome of a process from its start to its end.
struct Finished {
  ProcessEnd end;
  std::string output, errors;
};
inline Finished run_process(const Process::Options& options) {
  Process process(options);
  const ProcessEnd end = process.wait();
  return {end, process.output(), process.errors()};
}

}  // namespace podium
