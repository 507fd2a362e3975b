#include "worker/supervise/worker_command.h"

#include <charconv>

#include "worker/base/error.h"
#include "worker/json/strict_json.h"

namespace podium {
namespace {

constexpr int64_t kMostRanks = 1 << 20;
// As errors name it, which nobody reads.
const std::string kSender = "the worker";

// protobuf's JSON has 64-bit integers as text.
uint64_t number(const nlohmann::json& json, const char* key) {
  const std::string& text = json_string(json, key, kSender);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) throw Error("{}: {}: \"{}\"", kSender, key, text);
  return value;
}

StartTraining parse_start(const nlohmann::json& json) {
  StartTraining start;
  const nlohmann::json& generation = json_object(json, "generation", kSender);
  start.epoch = number(generation, "epoch");
  start.generation = number(generation, "counter");
  start.rank = static_cast<int>(json_integer(json, "rank", 0, kMostRanks, kSender));
  start.world_size = static_cast<int>(json_integer(json, "world_size", 1, kMostRanks, kSender));
  start.instruction_set = json_string(json, "instruction_set", kSender);
  const nlohmann::json& environment = json_object(json, "environment", kSender);
  for (const auto& [name, value] : environment.items())
    start.environment[name] = json_string(environment, name.c_str(), kSender);
  return start;
}

}  // namespace

std::optional<WorkerCommand> parse_worker_command(std::string_view packet) {
  try {
    const nlohmann::json command = parse_strict_json(packet, kSender);
    if (json_has(command, "start")) return parse_start(command["start"]);
    if (!json_has(command, "stop")) return std::nullopt;
    return json_string(command, "stop", kSender) == "YIELD" ? StopCommand::kYield : StopCommand::kStop;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace podium
