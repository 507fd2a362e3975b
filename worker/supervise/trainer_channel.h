// The socket pair between a worker and its trainer: one protobuf message a packet (proto/trainer.proto).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "proto/trainer.pb.h"

namespace podium {

// The environment variable that names the trainer's end, and the largest message.
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
  proto::StartTraining wait_for_start();

  void phase(proto::Phase phase);
  void tick() { ticks_.fetch_add(1, std::memory_order_relaxed); }  // cheap: called within a step
  void step(int64_t step, double loss, double tokens_per_second);
  void failure(const std::string& reason);

  // What the worker asked for, if it has; the last one counts.
  std::optional<proto::Command::Kind> stop() const;

 private:
  std::atomic<uint64_t> ticks_{0};
  // the rest by whoever implements it
};

}  // namespace podium
