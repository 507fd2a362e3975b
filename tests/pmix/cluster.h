// Workers in processes of their own, and the coordinator that relays their fences, here in the test.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/pmix/frames.h"
#include "tests/process.h"

namespace podium {

class Cluster {
 public:
  struct Options {
    int workers = 1;
    std::vector<std::string> launcher{};  // before the worker's own command line
    std::map<std::string, std::string> environment{{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", "/"}};
    bool create = true;  // the servers, at once
  };
  explicit Cluster(Options options);
  ~Cluster();

  struct WorldOptions {
    std::string network = "127.0.0.1/32";  // RANK: 1 for the first, and so on
    uint16_t first_port = 0, ports = 0;
    std::string mode = "";
    std::function<void()> when_all_spoke = [] {};  // every trainer has written to its standard output
    bool drop_fences = false;
    std::function<void()> when_all_fenced = [] {};  // every trainer has come to the first fence
  };
  // One world on the first `size` workers, from its start until all have left it. When a trainer fails, the others are
  // killed. How each trainer ended.
  std::vector<ProcessEnd> run_world(int size, const WorldOptions& options);
  std::vector<ProcessEnd> run_world(int size) { return run_world(size, WorldOptions{}); }

  // Starts the server of a worker; what went wrong, or nothing.
  std::string create(int worker, const fs::path& folder);
  // A frame by itself, and one that is answered: within a minute, else a failure.
  void tell(int worker, const Frame& frame) { send_frame(workers_[worker].socket, frame); }
  Frame ask(int worker, const Frame& question, FrameType answer);

  fs::path folder(int worker) const { return folders_.path() / std::to_string(worker); }
  pid_t worker_id(int worker) const { return workers_[worker].process->id(); }
  pid_t trainer(int worker) const { return workers_[worker].trainer; }
  std::vector<std::string> files(int worker) const;
  // MPI_Abort calls seen so far: the status each gave.
  const std::vector<int>& aborts() const { return aborts_; }
  int modex_requests() const { return modex_requests_; }
  std::string errors() const;

 private:
  struct Worker {
    std::unique_ptr<Process> process{};
    int socket = -1;
    pid_t trainer = -1;
    bool ended = false, spoke = false, fenced = false, left = false;
    ProcessEnd end{};
  };
  using Clock = std::chrono::steady_clock;

  void start_world(int size, const WorldOptions& options);
  bool relay(int size, const WorldOptions& options, Clock::time_point deadline, const std::function<bool()>& done);
  void handle(int size, const WorldOptions& options, int from, const Frame& frame);
  void relay_fence(int size, int from, const Frame& frame);
  void end_trainers(int size);
  void send(int worker, FrameType type, uint64_t a = 0, uint64_t b = 0, std::string data = "");

  TemporaryFolder folders_;
  std::vector<Worker> workers_;
  std::map<uint64_t, std::map<int, std::string>> fences_;
  std::vector<int> aborts_;
  int modex_requests_ = 0;
  int worlds_ = 0;
};

}  // namespace podium
