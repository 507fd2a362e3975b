// How a world begins and ends.
#include <fmt/format.h>

#include <algorithm>

#include "coordinator/membership_state.h"
#include "coordinator/membership_text.h"
#include "worker/base/error.h"

namespace podium {
namespace {

bool trains(const Worker& worker) { return worker.trains(); }

bool is_in(const Worker& worker, std::initializer_list<TrainerPhase> phases) {
  return std::find(phases.begin(), phases.end(), worker.report.phase) != phases.end();
}

// In a phase without a limit of ours, whose result is worth waiting for.
bool saves(const Worker& worker) { return is_in(worker, {TrainerPhase::kSnapshot, TrainerPhase::kFinishing}); }

bool computes(const Worker& worker) {
  return is_in(worker, {TrainerPhase::kTraining, TrainerPhase::kAllreduce, TrainerPhase::kValidation});
}

// One that does not say AVX-512 can do at least what all builds need.
std::string lowest_instruction_set(const Workers& workers, const std::vector<uint32_t>& ordinals) {
  const bool all = std::all_of(ordinals.begin(), ordinals.end(),
                               [&](uint32_t ordinal) { return workers.at(ordinal).instruction_set == "AVX-512"; });
  return all ? "AVX-512" : "AVX2";
}

}  // namespace

bool Membership::State::may_train(const Worker& worker, const std::optional<std::string>& data_hash) const {
  return worker.takes_part() && worker.ready && worker.identity.ordinal < expected && worker.data_hash == data_hash;
}

std::vector<uint32_t> Membership::State::candidates() const {
  const std::optional<std::string> data_hash = common_data_hash(workers);
  std::vector<uint32_t> ordinals;
  for (const auto& [ordinal, worker] : workers)
    if (may_train(worker, data_hash)) ordinals.push_back(ordinal);
  return ordinals;
}

uint32_t Membership::State::minimum() const {
  return options.minimum_workers > 0 ? options.minimum_workers : count_expected(workers, expected) / 2 + 1;
}

void Membership::State::form() {
  if (world || leaving_since) return;
  std::vector<uint32_t> ordinals = candidates();
  const bool all = ordinals.size() == count_expected(workers, expected);
  const bool enough = now - *waiting_since >= options.form_seconds && ordinals.size() >= minimum();
  if (!ordinals.empty() && (all || enough)) start_world(std::move(ordinals));
}

void Membership::State::start_world(std::vector<uint32_t> ordinals) {
  PODIUM_CHECK(!world && !over);
  world.emplace();
  world->generation = {options.epoch, ++counter};
  world->ordinals = std::move(ordinals);
  world->started = now;
  int64_t step = -1;
  std::vector<uint64_t> connections;
  for (uint32_t ordinal : world->ordinals) {
    Worker& worker = workers.at(ordinal);
    worker.member = true;
    worker.ready = false;
    worker.outcome.reset();
    worker.progressed = now;
    worker.report = {};
    worker.report.phase = TrainerPhase::kForming;
    worker.report.step = std::max<int64_t>(worker.memory_step, 0);
    step = std::max(step, worker.memory_step);
    connections.push_back(worker.connection);
  }
  log(fmt::format("generation {}: {}{}", counter, workers_text(world->ordinals),
                  step >= 0 ? fmt::format(" at step {}", step) : ""));
  actions.push_back(StartWorld{world->generation, std::move(connections), world->ordinals,
                               lowest_instruction_set(workers, world->ordinals)});
}

// Lets those in who became ready while a world runs without them.
void Membership::State::invite() {
  if (!world || world->asked || !world->outcomes.empty()) return;
  // A world that finishes is over by itself, and for good.
  if (any_of(workers,
             [](const Worker& worker) { return worker.trains() && worker.report.phase == TrainerPhase::kFinishing; }))
    return;
  const std::optional<std::string> data_hash = common_data_hash(workers);
  std::vector<uint32_t> ordinals;
  for (const auto& [ordinal, worker] : workers)
    if (!worker.member && !worker.leaving && may_train(worker, data_hash)) ordinals.push_back(ordinal);
  if (!ordinals.empty()) ask(TellTrainers::Kind::kYield, fmt::format("{} can take part", workers_text(ordinals)));
}

void Membership::State::ask(TellTrainers::Kind kind, const std::string& reason) {
  if (world->stops() || world->asked == kind) return;
  world->asked = kind;
  world->asked_at = now;
  world->asked_reason = reason;
  log(fmt::format("generation {} is asked to {}: {}", world->generation.counter,
                  kind == TellTrainers::Kind::kStop ? "stop" : "yield", reason));
  actions.push_back(TellTrainers{kind, world->generation, connections_of(workers, trains)});
}

// Ends what is left of the world.
World Membership::State::close_world(const std::string& reason, bool failed) {
  std::vector<uint64_t> members = connections_of(workers, [](const Worker& worker) { return worker.member; });
  if (!members.empty() && (failed || any_of(workers, trains)))
    actions.push_back(EndWorld{world->generation, std::move(members), reason});
  log(fmt::format("generation {} ended: {}", world->generation.counter, reason),
      failed ? Severity::kWarning : Severity::kInfo);
  for (auto& [ordinal, worker] : workers) {
    if (!worker.member) continue;
    if (worker.trains()) worker.report = {};
    worker.ended = world->generation;
    worker.member = false;
    worker.outcome.reset();
  }
  World closed = std::move(*world);
  world.reset();
  waiting_since = now;
  if (closed.highest_step > highest_step) {
    highest_step = closed.highest_step;
    failures = fruitless = 0;
  }
  return closed;
}

void Membership::State::fail_world(const std::string& reason, Fault fault) {
  if (world->stops()) {
    if (world->failure.empty()) world->failure = reason;
    // Who writes the snapshot needs nobody else.
    if (any_of(workers, trains) && !any_of(workers, [](const Worker& w) { return w.trains() && !saves(w); })) {
      log(reason, Severity::kWarning);
      return;
    }
  }
  const int64_t step_before = highest_step;
  const World closed = close_world(reason, true);
  if (closed.stops()) return stop_leavers(closed.failure);
  if (highest_step > step_before) return;
  if (++fruitless >= options.fruitless_in_a_row)
    return end_run(EndRun::Outcome::kFailed,
                   fmt::format("{} generations without a finished step; the last: {}", fruitless, reason));
  if (fault == Fault::kOutside) return;
  counted_failure = closed.generation;
  if (++failures >= options.failures_in_a_row) end_run(EndRun::Outcome::kFailed, reason);
}

void Membership::State::forgive_failure() {
  counted_failure = {};
  if (failures > 0) --failures;
}

// When all trainers of the world have ended by themselves.
void Membership::State::conclude() {
  if (!world || any_of(workers, trains)) return;
  auto all = [&](TrainerOutcome outcome) {
    return std::all_of(world->outcomes.begin(), world->outcomes.end(),
                       [&](TrainerOutcome other) { return other == outcome; });
  };
  if (all(TrainerOutcome::kFinished)) return end_run(EndRun::Outcome::kFinished, "");
  if (world->stops()) {
    const std::string failure = world->failure;
    close_world(failure.empty() ? "it was stopped" : failure);
    return stop_leavers(failure);
  }
  if (all(TrainerOutcome::kStopped)) {
    close_world("its trainers stopped");
    dismiss(connections_of(workers, [](const Worker& worker) { return worker.takes_part(); }),
            EndRun::Outcome::kStopped, "its trainers stopped", true);
    stopped = true;
    return;
  }
  close_world(world->asked ? world->asked_reason : "its trainers yielded");
}

void Membership::State::watch_world() {
  if (std::optional<std::string> hang = find_hang(workers, *world, options, now)) return fail_world(*hang, Fault::kRun);
  if (world->asked != TellTrainers::Kind::kYield) return;
  // The limit for yielding counts while all that are left could reach the end of a step.
  if (any_of(workers, [](const Worker& worker) { return worker.trains() && !computes(worker); }))
    world->asked_at = now;
  else if (now - world->asked_at >= options.hang_seconds)
    fail_world(fmt::format("it did not yield within {} ({})", seconds_text(options.hang_seconds), world->asked_reason),
               Fault::kRun);
}

std::optional<std::string> find_hang(const Workers& workers, const World& world, const MembershipOptions& options,
                                     Seconds now) {
  std::vector<uint32_t> forming;
  bool all_wait = true;
  Seconds shortest = now - world.started;
  int64_t step = 0;
  for (const auto& [ordinal, worker] : workers) {
    if (!worker.trains()) continue;
    const Seconds idle = now - worker.progressed;
    if (is_in(worker, {TrainerPhase::kRestoring, TrainerPhase::kTraining, TrainerPhase::kValidation}) &&
        idle >= options.hang_seconds)
      return fmt::format("worker {} made no progress for {} at step {}, phase {}", ordinal, seconds_text(idle),
                         worker.report.step, name_of(worker.report.phase));
    if (worker.report.phase <= TrainerPhase::kForming) forming.push_back(ordinal);
    if (worker.report.phase != TrainerPhase::kAllreduce) all_wait = false;
    shortest = std::min(shortest, idle);
    step = worker.report.step;
  }
  if (!forming.empty() && now - world.started >= options.start_seconds)
    return fmt::format("{} did not get into MPI's world within {}", workers_text(forming),
                       seconds_text(options.start_seconds));
  if (all_wait && shortest >= options.hang_seconds)
    return fmt::format("no worker made progress for {} at step {}: all are in phase allreduce", seconds_text(shortest),
                       step);
  return std::nullopt;
}

}  // namespace podium
