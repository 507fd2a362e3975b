// What a worker and its trainer say to each other, either way: any packet is read or refused, and the trainer reads
// without protobuf what the worker writes with it.
#include <google/protobuf/stubs/logging.h>

#include <string>

#include "tests/fuzz/fuzz_target.h"
#include "worker/supervise/channel_json.h"
#include "worker/supervise/trainer_channel.h"

namespace podium {
namespace {

// As in worker/supervise/main.cc.
[[maybe_unused]] const auto silenced = google::protobuf::SetLogHandler(nullptr);

constexpr uint32_t kMostRanks = 1 << 20;  // that a trainer believes

void check_start(const proto::StartTraining& start, const std::optional<WorkerCommand>& read) {
  if (!start.has_generation() || start.rank() > kMostRanks || start.world_size() < 1 || start.world_size() > kMostRanks)
    return;
  for (const auto& [name, value] : start.environment())
    if (name.find('\0') != std::string::npos) return;
  PODIUM_CHECK(read && std::holds_alternative<StartTraining>(*read), "{}", start.DebugString());
  const auto& found = std::get<StartTraining>(*read);
  PODIUM_CHECK(
      found.epoch == start.generation().epoch() && found.generation == start.generation().counter() &&
          found.rank == static_cast<int>(start.rank()) && found.world_size == static_cast<int>(start.world_size()) &&
          found.instruction_set == start.instruction_set() && found.environment.size() == start.environment().size(),
      "{}", start.DebugString());
  for (const auto& [name, value] : start.environment()) PODIUM_CHECK(found.environment.at(name) == value, "{}", name);
}

}  // namespace

PODIUM_FUZZ_TARGET(trainer_messages) {
  if (bytes.size() > kLargestTrainerMessage) return;
  parse_worker_command(bytes);
  if (proto::TrainerMessage message; from_json(bytes, message)) {
    proto::TrainerMessage again;
    PODIUM_CHECK(again.ParseFromString(message.SerializeAsString()), "{}", message.DebugString());
  }
  proto::WorkerCommand command;
  if (!command.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  const std::optional<WorkerCommand> read = parse_worker_command(to_json(command));
  if (command.has_start()) check_start(command.start(), read);
  if (command.message_case() == proto::WorkerCommand::kStop && proto::Command::Kind_IsValid(command.stop()))
    PODIUM_CHECK(read && std::get<StopCommand>(*read) ==
                             (command.stop() == proto::Command::YIELD ? StopCommand::kYield : StopCommand::kStop));
}

}  // namespace podium
