// What people read of the membership: reasons, what is awaited, the states of the status.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coordinator/workers.h"

namespace podium {

// "0.3 s", "4 s", "30 s"
std::string seconds_text(Seconds seconds);
// "worker 1", "workers 0, 1, 2"; of many the first ones and how many more.
std::string workers_text(const std::vector<uint32_t>& ordinals);
// A text of a peer's for the log: of bounded length, in one line.
std::string shown(std::string_view text, size_t most_bytes = 300);

// Why this worker may not take part; nullopt: it may.
std::optional<std::string> identity_refusal(const WorkerIdentity& own, uint32_t expected, const WorkerIdentity& worker);

// "worker 1 of 2 (not connected); worker 0 of 2: reading the data", and what the cluster says of the pods of those that
// are not connected. While a world trains: only whose data differ.
std::string awaiting_text(const Workers& workers, const SeenPods& pods, uint32_t expected, bool world_runs);

// "training", "waiting: its data differ", "lost"
std::string worker_state_text(const Worker& worker, const std::optional<std::string>& common_data_hash);

}  // namespace podium
