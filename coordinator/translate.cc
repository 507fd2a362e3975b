#include "coordinator/translate.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace podium {
namespace {

constexpr size_t kLongestName = 256, kLongestCredential = 16 << 10, kLongestReason = 1000;
constexpr uint64_t kHighestEpoch = 99'999'999;  // claims in the store have eight digits

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// A phase that this version does not know counts as none.
TrainerPhase phase_of(proto::Phase phase) {
  const int last = static_cast<int>(TrainerPhase::kFinishing);
  return phase < 0 || phase > last ? TrainerPhase::kNone : static_cast<TrainerPhase>(phase);
}
static_assert(static_cast<int>(TrainerPhase::kPreparingData) == proto::PHASE_PREPARING_DATA);
static_assert(static_cast<int>(TrainerPhase::kWaiting) == proto::PHASE_WAITING);
static_assert(static_cast<int>(TrainerPhase::kForming) == proto::PHASE_FORMING);
static_assert(static_cast<int>(TrainerPhase::kRestoring) == proto::PHASE_RESTORING);
static_assert(static_cast<int>(TrainerPhase::kTraining) == proto::PHASE_TRAINING);
static_assert(static_cast<int>(TrainerPhase::kAllreduce) == proto::PHASE_ALLREDUCE);
static_assert(static_cast<int>(TrainerPhase::kValidation) == proto::PHASE_VALIDATION);
static_assert(static_cast<int>(TrainerPhase::kSnapshot) == proto::PHASE_SNAPSHOT);
static_assert(static_cast<int>(TrainerPhase::kFinishing) == proto::PHASE_FINISHING);

TrainerOutcome outcome_of(proto::TrainerEnded::Outcome outcome) {
  switch (outcome) {
    case proto::TrainerEnded::FINISHED:
      return TrainerOutcome::kFinished;
    case proto::TrainerEnded::YIELDED:
      return TrainerOutcome::kYielded;
    case proto::TrainerEnded::STOPPED:
      return TrainerOutcome::kStopped;
    case proto::TrainerEnded::SUPERSEDED:
      return TrainerOutcome::kSuperseded;
    case proto::TrainerEnded::KILLED:
      return TrainerOutcome::kKilled;
    default:
      return TrainerOutcome::kFailed;
  }
}

proto::RunEnded::Outcome outcome_of(EndRun::Outcome outcome) {
  switch (outcome) {
    case EndRun::Outcome::kFinished:
      return proto::RunEnded::FINISHED;
    case EndRun::Outcome::kStopped:
      return proto::RunEnded::STOPPED;
    case EndRun::Outcome::kSuperseded:
      return proto::RunEnded::SUPERSEDED;
    case EndRun::Outcome::kExpired:
      return proto::RunEnded::EXPIRED;
    case EndRun::Outcome::kFailed:
      break;
  }
  return proto::RunEnded::FAILED;
}

HeartbeatCame heartbeat_of(uint64_t connection, const proto::Heartbeat& heartbeat) {
  const proto::TrainerState& trainer = heartbeat.trainer();
  return {connection, from_proto(heartbeat.generation()),
          TrainerReport{phase_of(trainer.phase()), trainer.step(), trainer.ticks(), trainer.loss(),
                        trainer.tokens_per_second()}};
}

void add_worker(proto::Status& status, const WorkerView& view, Seconds now) {
  proto::Status::Worker& worker = *status.add_workers();
  worker.set_ordinal(view.identity.ordinal);
  worker.set_name(view.identity.name);
  worker.set_address(view.identity.address);
  worker.set_rank(view.rank);
  worker.set_state(view.state);
  worker.set_step(view.step);
  worker.set_memory_step(view.memory_step);
  worker.set_heartbeat_age_seconds(std::max(0.0, now - view.last_heartbeat));
}

}  // namespace

Generation from_proto(const proto::GenerationNumber& number) { return {number.epoch(), number.counter()}; }

proto::GenerationNumber to_proto(const Generation& generation) {
  proto::GenerationNumber number;
  number.set_epoch(generation.epoch);
  number.set_counter(generation.counter);
  return number;
}

std::optional<std::string> find_fault(const proto::Hello& hello) {
  const std::pair<const char*, const std::string*> texts[] = {
      {"name", &hello.name()},         {"uid", &hello.uid()},
      {"address", &hello.address()},   {"image_version", &hello.image_version()},
      {"run_name", &hello.run_name()}, {"settings_hash", &hello.settings_hash()},
  };
  for (const auto& [name, text] : texts) {
    if (text->size() > kLongestName) return fmt::format("its {} has more than {} bytes", name, kLongestName);
    if (std::any_of(text->begin(), text->end(), is_control)) return fmt::format("its {} is not printable", name);
  }
  if (hello.credential().size() > kLongestCredential)
    return fmt::format("its credential has more than {} bytes", kLongestCredential);
  if (hello.newest_generation().epoch() > kHighestEpoch)
    return fmt::format("its newest generation is of epoch {}, expected at most {}", hello.newest_generation().epoch(),
                       kHighestEpoch);
  return std::nullopt;
}

WorkerIdentity identity_of(const proto::Hello& hello) {
  return {hello.ordinal(),       hello.name(),     hello.uid(),          hello.address(),
          hello.image_version(), hello.run_name(), hello.settings_hash()};
}

std::optional<MembershipEvent> event_of(uint64_t connection, const proto::WorkerMessage& message) {
  switch (message.message_case()) {
    case proto::WorkerMessage::kReady: {
      const proto::Ready& ready = message.ready();
      return BecameReady{connection, printable(ready.data_hash(), kLongestName),
                         printable(ready.instruction_set(), kLongestName), ready.memory_step()};
    }
    case proto::WorkerMessage::kHeartbeat:
      return heartbeat_of(connection, message.heartbeat());
    case proto::WorkerMessage::kTrainerEnded: {
      const proto::TrainerEnded& ended = message.trainer_ended();
      return TrainerHasEnded{connection, from_proto(ended.generation()), outcome_of(ended.outcome()),
                             printable(ended.reason(), kLongestReason), ended.memory_step()};
    }
    case proto::WorkerMessage::kLeaving:
      return WantsToLeave{connection};
    default:
      return std::nullopt;
  }
}

proto::CoordinatorMessage message_of(const StartWorld& start) {
  proto::CoordinatorMessage message;
  *message.mutable_start()->mutable_generation() = to_proto(start.generation);
  message.mutable_start()->mutable_ordinals()->Add(start.ordinals.begin(), start.ordinals.end());
  message.mutable_start()->set_instruction_set(start.instruction_set);
  return message;
}

proto::CoordinatorMessage message_of(const EndWorld& end) {
  proto::CoordinatorMessage message;
  *message.mutable_end()->mutable_generation() = to_proto(end.generation);
  message.mutable_end()->set_reason(end.reason);
  return message;
}

proto::CoordinatorMessage message_of(const TellTrainers& tell) {
  proto::CoordinatorMessage message;
  *message.mutable_command()->mutable_generation() = to_proto(tell.generation);
  message.mutable_command()->set_kind(tell.kind == TellTrainers::Kind::kStop ? proto::Command::STOP
                                                                             : proto::Command::YIELD);
  return message;
}

proto::CoordinatorMessage message_of(const EndRun& end) {
  proto::CoordinatorMessage message;
  message.mutable_run_ended()->set_outcome(outcome_of(end.outcome));
  message.mutable_run_ended()->set_reason(end.reason);
  message.mutable_run_ended()->set_state_saved(end.state_saved);
  return message;
}

proto::CoordinatorMessage message_of(const Await& await) {
  proto::CoordinatorMessage message;
  message.mutable_awaiting()->set_text(await.text);
  return message;
}

proto::Status status_of(const Membership& membership, const std::string& run_name, Seconds now) {
  proto::Status status;
  status.set_run_name(run_name);
  status.set_state(membership.state());
  *status.mutable_generation() = to_proto(membership.generation());
  status.set_world_size(membership.world_size());
  status.set_expected_workers(membership.expected());
  const TrainerReport report = membership.newest_report();
  status.set_step(report.step);
  status.set_loss(report.loss);
  status.set_tokens_per_second(report.tokens_per_second);
  status.set_awaiting(membership.awaiting());
  for (const WorkerView& view : membership.workers()) add_worker(status, view, now);
  return status;
}

std::string printable(std::string_view text, size_t limit) {
  if (text.size() > limit) {
    // Not within a character of UTF-8, which protobuf would refuse to send on.
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
    text = text.substr(0, limit);
  }
  std::string shown(text);
  std::replace_if(shown.begin(), shown.end(), is_control, ' ');
  return shown;
}

}  // namespace podium
