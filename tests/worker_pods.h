// Workers of a tiny run as a test's "pods": real `worker` processes on this machine, each with its own temporary
// folder, sharing a secret and a static list of addresses.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/coordinator.pb.h"
#include "tests/process.h"
#include "tests/tiny_run.h"

namespace podium {

class WorkerPods {
 public:
  // `count` workers in the static list; none is started yet. `options` are settings for all of them.
  WorkerPods(const TinyRun& run, int count, std::vector<std::string> options = {});
  ~WorkerPods();

  // How worker `ordinal` is started. `environment` is added to PATH and TMPDIR.
  Process::Options worker(int ordinal, std::map<std::string, std::string> environment = {},
                          const std::vector<std::string>& options = {}) const;
  // Starts worker `ordinal`, again if it ran before.
  Process& start(int ordinal, std::map<std::string, std::string> environment = {},
                 const std::vector<std::string>& options = {});
  void start_all(const std::map<std::string, std::string>& environment = {});
  Process& operator[](int ordinal) { return *pods_[static_cast<size_t>(ordinal)].process; }
  int size() const { return static_cast<int>(pods_.size()); }
  const std::string& address(int ordinal) const { return pods_[static_cast<size_t>(ordinal)].address; }
  std::string secret() const { return secret_; }

  // The trainer that is in the world now (it holds the memory state), not one that stands by. nullopt: none.
  std::optional<pid_t> trainer(int ordinal) const;
  // All processes below a worker.
  std::vector<pid_t> descendants(int ordinal) const;

  // The coordinator's answer; nullopt: none within a second.
  std::optional<proto::Status> status() const;
  // Waits (at most a minute) until the generation's counter is at least `counter` and it trains with `world` ranks.
  bool wait_for_training(uint32_t world, uint64_t counter = 1);
  // Waits until the run's step log has a step of at least `step`.
  bool wait_for_step(int64_t step);

  // Each worker's exit code, once it ended.
  std::vector<ProcessEnd> wait_all();
  // What all wrote to standard error.
  std::string errors() const;

  // Its TMPDIR.
  const fs::path& folder(int ordinal) const { return pods_[static_cast<size_t>(ordinal)].folder; }
  const fs::path& memory_folder() const { return memory_folder_; }

 private:
  struct Pod {
    std::string address;
    fs::path folder;
    std::unique_ptr<Process> process;
    std::string earlier_errors;
  };
  const TinyRun& run_;
  TemporaryFolder folder_;
  fs::path memory_folder_;
  std::vector<std::string> options_;
  std::string secret_;
  std::vector<Pod> pods_;
};

}  // namespace podium
