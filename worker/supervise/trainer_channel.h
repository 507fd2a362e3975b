// The socket pair between a worker and its trainer: one message of proto/trainer.proto a packet, as protobuf's JSON.
// The trainer's side writes and reads that itself: Debian's SentencePiece carries a protobuf of its own, and a process
// that loads both crashes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "worker/base/trainer_phase.h"
#include "worker/supervise/worker_command.h"

namespace podium {

// The environment variable that names the trainer's end and the process that must be its parent ("3:1234"), and the
// largest message.
inline constexpr const char* kTrainerChannelVariable = "PODIUM_WORKER_FD";
inline constexpr size_t kLargestTrainerMessage = 64 << 10;

// The trainer's end. A thread of its own tells the state every 100 ms, whatever the trainer does, and at once when the
// phase changes; a stopped (SIGSTOP) or dead process says nothing. Any thread may call it. When the worker is gone, the
// process ends at once (_exit): a trainer without a worker computes for nobody.
class WorkerLink {
 public:
  // nullptr when this process was not started by a worker. Makes the end close-on-exec, and takes the variable out of
  // the environment.
  static std::unique_ptr<WorkerLink> from_environment();
  explicit WorkerLink(int descriptor);
  ~WorkerLink();

  void prepared(const std::string& data_hash, const std::string& instruction_set);
  // Waits for the world. As long as it takes: the worker ends this process when it is not needed.
  StartTraining wait_for_start();

  void phase(TrainerPhase phase);
  void tick() { ticks_.fetch_add(1, std::memory_order_relaxed); }  // cheap: called within a step
  void step(int64_t step, double loss, double tokens_per_second);
  void failure(const std::string& reason);

  // What the worker asked for, if it has; the last one counts.
  std::optional<StopCommand> stop() const;

 private:
  void run();
  void receive(std::string& buffer);
  void take(WorkerCommand command);
  void send_state();
  void send_now_or_later(std::string packet);
  bool send_waiting(const std::lock_guard<std::mutex>&);
  bool has_waiting() const;
  void wake() const;

  std::atomic<uint64_t> ticks_{0};
  std::atomic<int> stop_{-1};
  std::atomic<bool> ending_{false};
  const int descriptor_;
  const int wake_;            // an eventfd
  mutable std::mutex mutex_;  // of the rest
  TrainerPhase phase_ = TrainerPhase::kNone;
  int64_t step_ = 0;
  double loss_ = 0, tokens_per_second_ = 0;
  std::deque<std::string> waiting_;  // what must not be dropped, while the socket is full
  std::optional<StartTraining> start_;
  std::condition_variable started_;
  std::thread thread_;
};

}  // namespace podium
