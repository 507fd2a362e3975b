#include "tests/coordinator/simulated_cluster.h"

#include <fmt/format.h>

#include <algorithm>

namespace podium {
namespace {

constexpr Seconds kStepSeconds = 0.5;
constexpr uint32_t kMostWorkers = 4;

}  // namespace

SimulatedCluster::SimulatedCluster(MembershipOptions options, CounterRandom random, int64_t last_step)
    : options_(options), random_(random), last_step_(last_step), membership_(options), referee_(options) {
  for (uint32_t ordinal = 0; ordinal < kMostWorkers; ++ordinal) {
    Process process;
    process.ordinal = ordinal;
    process.starts = between(0, 2);
    processes_.push_back(process);
  }
}

void SimulatedCluster::step(bool with_faults) {
  now_ += kStepSeconds;
  if (with_faults && chance(3)) cause_fault();
  for (Process& process : processes_) {
    // Everything in order, but not all at once.
    for (size_t i = 0; i < process.received.size() + 1 && !process.received.empty() && !chance(4); ++i) {
      const MembershipAction action = process.received.front();
      process.received.pop_front();
      take(process, action);
    }
    if (!with_faults) {
      process.muted_until = 0;
      if (process.alive && process.data_hash != "same") exit(process, 1);
    }
    live(process);
  }
  for (Process& process : processes_)
    while (!process.sent.empty() && !chance(6)) {
      const MembershipEvent event = process.sent.front();
      process.sent.pop_front();
      handle(event);
    }
  for (; !broken_.empty(); broken_.pop_front()) handle(broken_.front());
  handle(Tick{});
}

void SimulatedCluster::live(Process& process) {
  if (!process.alive) {
    if (process.ordinal >= membership_.expected() || now_ < process.starts) return;
    const uint32_t ordinal = process.ordinal;
    const int64_t step = process.step;
    process = Process{};
    process.ordinal = ordinal;
    process.uid = next_uid_++;
    process.alive = true;
    process.step = step;
    prepare(process);
  }
  if (process.leaving && now_ >= process.leaves_until) return exit(process, between(0.5, 5));
  if (now_ < process.muted_until) return;
  if (!process.open) {
    if (now_ < process.connects) return;
    process.open = true;
    process.connection = next_connection_++;
    WorkerIdentity identity = options_.own;
    identity.ordinal = process.ordinal;
    identity.uid = fmt::format("{}", process.uid);
    process.sent.push_back(Connected{process.connection, identity});
    if (process.ready) process.sent.push_back(BecameReady{process.connection, process.data_hash, "AVX2", process.step});
    if (process.leaving) process.sent.push_back(WantsToLeave{process.connection});
  }
  if (process.generation) {
    train(process);
  } else if (!process.ready && now_ >= process.prepared) {
    process.ready = true;
    process.sent.push_back(BecameReady{process.connection, process.data_hash, "AVX-512", process.step});
  }
  HeartbeatCame beat{process.connection, process.generation.value_or(Generation{}), {}};
  beat.trainer.phase = TrainerPhase::kWaiting;
  if (process.generation)
    beat.trainer = {now_ < process.joined + 1 ? TrainerPhase::kForming : TrainerPhase::kTraining, process.step,
                    process.ticks, 0, 0};
  process.sent.push_back(beat);
}

void SimulatedCluster::train(Process& process) {
  if (process.stuck || now_ < process.joined + 1) return;
  ++process.ticks;
  ++process.step;
  if (process.asked)
    end_trainer(process,
                *process.asked == TellTrainers::Kind::kStop ? TrainerOutcome::kStopped : TrainerOutcome::kYielded);
  else if (process.step >= last_step_)
    end_trainer(process, TrainerOutcome::kFinished);
}

void SimulatedCluster::take(Process& process, const MembershipAction& action) {
  if (auto* start = std::get_if<StartWorld>(&action)) {
    if (!process.ready) {
      // Its trainer died while the message was on its way.
      process.sent.push_back(
          TrainerHasEnded{process.connection, start->generation, TrainerOutcome::kFailed, "none waits", process.step});
      return;
    }
    process.ready = process.stuck = false;
    process.asked.reset();
    process.generation = start->generation;
    process.joined = now_;
  } else if (auto* end = std::get_if<EndWorld>(&action)) {
    if (process.generation == end->generation) end_trainer(process, TrainerOutcome::kFailed);
  } else if (auto* told = std::get_if<TellTrainers>(&action)) {
    if (process.generation == told->generation) process.asked = told->kind;
  } else if (std::holds_alternative<EndRun>(action)) {
    exit(process, between(0.5, 5));
  } else if (std::holds_alternative<Refuse>(action)) {
    close_stream(process, between(0.1, 1));
  }
}

void SimulatedCluster::end_trainer(Process& process, TrainerOutcome outcome) {
  if (process.open)
    process.sent.push_back(TrainerHasEnded{process.connection, process.generation.value_or(Generation{}), outcome,
                                           "of the simulation", process.step});
  prepare(process);
}

void SimulatedCluster::prepare(Process& process) {
  process.generation.reset();
  process.ready = false;
  process.prepared = now_ + between(0, 2);
}

void SimulatedCluster::close_stream(Process& process, Seconds pause) {
  if (process.open) {
    // What was under way may arrive or not, and before the end.
    if (chance(2))
      for (const MembershipEvent& event : process.sent) broken_.push_back(event);
    broken_.push_back(Disconnected{process.connection, "of the simulation"});
  }
  process.sent.clear();
  process.received.clear();
  process.open = false;
  process.connects = now_ + pause;
}

void SimulatedCluster::exit(Process& process, Seconds pause) {
  close_stream(process, 0);
  process.alive = false;
  process.starts = now_ + pause;
}

void SimulatedCluster::cause_fault() {
  Process& process = processes_[random_.below(processes_.size())];
  const uint64_t kind = random_.below(9);
  if (kind == 0) handle(ExpectedChanged{static_cast<uint32_t>(1 + random_.below(kMostWorkers))});
  if (!process.alive) return;
  if (kind == 1) end_trainer(process, TrainerOutcome::kFailed);
  if (kind == 2) close_stream(process, between(0, 3));
  if (kind == 3) exit(process, between(0, 6));
  if (kind == 4) process.muted_until = now_ + between(0.5, 6);
  if (kind == 5) process.stuck = true;
  if (kind == 6) process.data_hash = "other";
  if (kind < 7) return;
  // One leaves, or all.
  for (Process& each : processes_) {
    if (!each.alive || each.leaving || (kind == 7 && &each != &process)) continue;
    each.leaving = true;
    each.leaves_until = now_ + 15;
    if (each.open) each.sent.push_back(WantsToLeave{each.connection});
  }
}

void SimulatedCluster::handle(const MembershipEvent& event) {
  referee_.arrived(event);
  const std::vector<MembershipAction> actions = membership_.handle(event, now_);
  referee_.returned(actions);
  for (const MembershipAction& action : actions) deliver(action);
}

void SimulatedCluster::deliver(const MembershipAction& action) {
  auto to = [&](uint64_t connection) {
    if (Process* process = process_of(connection)) process->received.push_back(action);
  };
  std::visit(
      [&](const auto& a) {
        if constexpr (requires { a.connections; })
          for (uint64_t connection : a.connections) to(connection);
        else if constexpr (requires { a.connection; })
          to(a.connection);
      },
      action);
}

SimulatedCluster::Process* SimulatedCluster::process_of(uint64_t connection) {
  for (Process& process : processes_)
    if (process.open && process.connection == connection) return &process;
  return nullptr;
}

bool SimulatedCluster::is_well() const {
  if (membership_.state() == "finished") return true;
  if (membership_.state() != "training" || membership_.world_size() != membership_.expected()) return false;
  return std::none_of(processes_.begin(), processes_.end(), [&](const Process& process) {
    return process.ordinal < membership_.expected() && (process.leaving || process.stuck);
  });
}

std::string SimulatedCluster::describe() const {
  std::string text = fmt::format("at {} s: {}, {} of {}, awaits \"{}\"", now_, membership_.state(),
                                 membership_.world_size(), membership_.expected(), membership_.awaiting());
  for (const WorkerView& view : membership_.workers())
    text += fmt::format("\n  worker {}: {}, rank {}", view.identity.ordinal, view.state, view.rank);
  return text;
}

}  // namespace podium
