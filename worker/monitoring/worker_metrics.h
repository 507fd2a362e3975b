// What a worker tells Prometheus.
#pragma once

#include <optional>
#include <string>

#include "proto/coordinator.pb.h"

namespace podium {

// What a worker knows at one moment.
struct WorkerFigures {
  std::string version, run, name;
  uint32_t ordinal = 0, expected_workers = 0;
  double start_unix_seconds = 0;
  bool connected = false;  // to the coordinator
  proto::TrainerState trainer;
  double idle_seconds = 0;  // since the trainer's last progress
  struct World {
    uint32_t rank = 0, size = 0;
  };
  std::optional<World> world;          // that its trainer is in
  proto::GenerationNumber generation;  // the newest that it was in
  uint64_t generations = 0, recoveries = 0, trainer_starts = 0;
  std::optional<int64_t> memory_step;
  struct Stalls {
    std::optional<double> last_seconds;
    double seconds = 0;                                                // of all
  } stalls;                                                            // of training, while snapshots were written
  std::optional<uint64_t> worker_bytes, trainer_bytes, standby_bytes;  // resident
  struct Bucket {
    bool is_level = false, is_away = false;
    uint64_t snapshots = 0, bytes = 0;  // that were uploaded
    int64_t step = -1;                  // of the newest of them; -1: none yet
  };
  std::optional<Bucket> bucket;              // ordinal 0, where snapshots go to one
  std::optional<proto::Status> coordinator;  // ordinal 0: what the coordinator knows
};

// As Prometheus' text, every metric named podium_*. What is not known (a loss before the first step) is left out.
std::string worker_metrics(const WorkerFigures& figures);

}  // namespace podium
