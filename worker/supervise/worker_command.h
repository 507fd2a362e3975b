// What a worker says to its trainer (WorkerCommand of proto/trainer.proto, as protobuf's JSON), read without protobuf.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace podium {

// The world that a trainer is to join.
struct StartTraining {
  uint64_t epoch = 0, generation = 0;
  int rank = 0, world_size = 1;
  std::map<std::string, std::string> environment;  // for MPI_Init
  std::string instruction_set;                     // the best that all have
};

enum class StopCommand : int8_t { kYield, kStop };

using WorkerCommand = std::variant<StartTraining, StopCommand>;

// nullopt: it is no command.
std::optional<WorkerCommand> parse_worker_command(std::string_view packet);

}  // namespace podium
