#include "coordinator/membership.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/membership_state.h"
#include "coordinator/membership_text.h"
#include "worker/base/error.h"

namespace podium {

Membership::Membership(MembershipOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Membership::~Membership() = default;

void Membership::set_epoch(uint64_t epoch) {
  PODIUM_CHECK(!state_->waiting_since);
  state_->options.epoch = epoch;
}

std::vector<MembershipAction> Membership::handle(const MembershipEvent& event, Seconds now) {
  PODIUM_CHECK(now >= state_->now, "the time went back from {} to {}", state_->now, now);
  state_->now = now;
  if (!state_->waiting_since) state_->waiting_since = now;
  std::visit([&](const auto& happened) { state_->on(happened); }, event);
  state_->settle();
  state_->tell_awaiting();
  return std::exchange(state_->actions, {});
}

void Membership::State::on(const Connected& event) {
  auto refuse = [&](const std::string& reason) { actions.push_back(Refuse{event.connection, reason}); };
  if (std::optional<std::string> reason = identity_refusal(options.own, expected, event.worker)) return refuse(*reason);
  auto old = workers.find(event.worker.ordinal);
  if (old != workers.end() && old->second.connected && !make_room(event, old->second))
    return refuse(fmt::format("ordinal {} is held by {} at {}", event.worker.ordinal, shown(old->second.identity.uid),
                              shown(old->second.identity.address)));
  // The store with the claims of epochs was lost. Numbers must grow all the same.
  if (event.newest > Generation{options.epoch, counter}) options.epoch = event.newest.epoch + 1;
  admit(event);
}

// Whether the newcomer may have the place of `old`, which is then closed.
bool Membership::State::make_room(const Connected& event, Worker& old) {
  const Seconds silence = now - old.heard;
  const bool same = old.identity.uid == event.worker.uid;
  if (!same && !old.dismissed && silence < options.lost_seconds) return false;
  const uint32_t ordinal = old.identity.ordinal;
  std::string reason = fmt::format("worker {} connected anew", ordinal);
  if (!same && old.dismissed) reason = fmt::format("worker {} was told to end, and has a successor", ordinal);
  if (!same && !old.dismissed)
    reason = fmt::format("worker {} was replaced after {} of silence", ordinal, seconds_text(silence));
  actions.push_back(Refuse{old.connection, reason});
  drop(old, reason);
  return true;
}

void Membership::State::admit(const Connected& event) {
  Worker& worker = workers[event.worker.ordinal];
  worker = Worker{};
  worker.identity = event.worker;
  worker.connection = event.connection;
  worker.connected = true;
  worker.heard = worker.progressed = now;
  stopped = false;
  newcomer = true;
  actions.push_back(Admit{event.connection});
  log(fmt::format("worker {} joined ({} at {})", event.worker.ordinal, shown(event.worker.name),
                  shown(event.worker.address)));
  if (!over) return;
  worker.dismissed = true;
  actions.push_back(EndRun{over->outcome, {event.connection}, over->reason});  // its own state is not in the snapshot
}

// nullptr: a connection that was refused, replaced or lost.
Worker* Membership::State::heard_from(uint64_t connection) {
  Worker* worker = find_connection(workers, connection);
  if (worker) worker->heard = now;
  return worker;
}

void Membership::State::on(const BecameReady& event) {
  Worker* worker = heard_from(event.connection);
  // One that was on its way while the world began says nothing about the trainer that is in it.
  if (!worker || worker->trains()) return;
  worker->ready = true;
  worker->data_hash = event.data_hash;
  worker->instruction_set = event.instruction_set;
  worker->memory_step = event.memory_step;
  worker->report.phase = TrainerPhase::kWaiting;
}

void Membership::State::on(const HeartbeatCame& event) {
  Worker* worker = heard_from(event.connection);
  if (!worker) return;
  if (!worker->trains()) {
    if (!worker->ready) worker->report = event.trainer;
    // Its trainer missed the end of its world: the worker was not connected then.
    if (event.generation.counter == 0 || event.generation <= worker->ended) return;
    worker->ended = event.generation;
    actions.push_back(
        EndWorld{event.generation, {event.connection}, fmt::format("generation {} is over", event.generation.counter)});
    return;
  }
  if (event.generation != world->generation) return;
  const TrainerReport& last = worker->report;
  const TrainerReport& next = event.trainer;
  if (next.phase != last.phase || next.step != last.step || next.ticks != last.ticks) worker->progressed = now;
  worker->report = next;
  if (next.phase >= TrainerPhase::kTraining) {
    has_trained = true;
    world->highest_step = std::max(world->highest_step, next.step);
  }
  if (worker->identity.ordinal == world->ordinals.front()) newest_report = next;
}

void Membership::State::on(const TrainerHasEnded& event) {
  Worker* worker = heard_from(event.connection);
  if (!worker) return;
  if (!worker->trains()) {
    // The one that waited, or one of a world that is over.
    worker->ready = false;
    worker->ended = std::max(worker->ended, event.generation);
    // The failure that was counted was an echo of this one: MPI aborts when a peer is gone.
    if (event.outcome == TrainerOutcome::kKilled && event.generation == counted_failure) forgive_failure();
    return;
  }
  if (event.generation != world->generation) return;
  worker->outcome = event.outcome;
  worker->ended = event.generation;
  worker->memory_step = event.memory_step;
  worker->report = {};
  world->outcomes.push_back(event.outcome);
  if (event.outcome == TrainerOutcome::kSuperseded) return end_run(EndRun::Outcome::kSuperseded, shown(event.reason));
  if (event.outcome == TrainerOutcome::kFailed || event.outcome == TrainerOutcome::kKilled)
    fail_world(fmt::format("worker {} lost its trainer: {}", worker->identity.ordinal, shown(event.reason)),
               event.outcome == TrainerOutcome::kFailed ? Fault::kRun : Fault::kOutside);
}

void Membership::State::on(const WantsToLeave& event) {
  Worker* worker = heard_from(event.connection);
  if (!worker || worker->leaving || worker->dismissed) return;
  worker->leaving = true;
  log(fmt::format("worker {} wants to leave", worker->identity.ordinal));
}

void Membership::State::on(const Disconnected& event) {
  Worker* worker = find_connection(workers, event.connection);
  if (!worker) return;
  const uint32_t ordinal = worker->identity.ordinal;
  drop(*worker, worker->leaving || worker->dismissed
                    ? fmt::format("worker {} left", ordinal)
                    : fmt::format("worker {} lost its connection: {}", ordinal, shown(event.reason)));
}

void Membership::State::on(const ExpectedChanged& event) {
  if (event.workers == expected) return;
  log(fmt::format("worker_count is now {}; it was {}", event.workers, expected));
  expected = event.workers;
}

// Who has the name of a pod that is another by now is on a node that nobody reaches, or about to end.
void Membership::State::on(const PodsChanged& event) {
  pods = event.pods;
  for (auto& [ordinal, worker] : workers) {
    const auto pod = pods.find(ordinal);
    if (!worker.connected || pod == pods.end() || pod->second.uid.empty() || pod->second.uid == worker.identity.uid)
      continue;
    const std::string reason =
        fmt::format("worker {} was replaced: its pod is {} now", ordinal, shown(pod->second.uid));
    actions.push_back(Refuse{worker.connection, reason});
    drop(worker, reason);
  }
}

void Membership::State::on(const DeadlineCame& event) {
  if (over || !deadline.empty()) return;
  deadline = event.reason;
  log(deadline);
}

void Membership::State::on(const Tick&) {
  for (auto& [ordinal, worker] : workers) {
    if (!worker.connected || now - worker.heard < options.lost_seconds) continue;
    const std::string reason = fmt::format("worker {} said nothing for {}", ordinal, seconds_text(now - worker.heard));
    actions.push_back(Refuse{worker.connection, reason});
    drop(worker, reason);
  }
  if (world) watch_world();
}

// Forgets the connection. The worker stays in the table to be named as lost, or not to be expected when it has left.
void Membership::State::drop(Worker& worker, const std::string& reason) {
  const bool trained = worker.trains();
  worker.connected = worker.ready = worker.member = false;
  worker.outcome.reset();
  worker.report = {};
  if (trained)
    fail_world(reason, Fault::kOutside);
  else if (!over)
    log(reason, Severity::kWarning);
}

void Membership::State::settle() {
  std::erase_if(workers, [&](const auto& entry) { return !entry.second.connected && entry.first >= expected; });
  if (over) return;
  conclude();
  if (over) return;
  let_go();
  invite();
  form();
}

void Membership::State::tell_awaiting() {
  const bool waits = !over && !stopped;
  std::string text = waits ? awaiting_text(workers, pods, expected, world.has_value()) : "";
  std::vector<uint64_t> connections = connections_of(workers, [](const Worker& worker) { return worker.takes_part(); });
  if (!connections.empty() && (text != told_awaiting || (newcomer && !text.empty())))
    actions.push_back(Await{std::move(connections), text});
  told_awaiting = std::move(text);
  newcomer = false;
}

std::vector<WorkerView> Membership::workers() const {
  const std::optional<std::string> data_hash = common_data_hash(state_->workers);
  std::vector<WorkerView> views;
  for (const auto& [ordinal, worker] : state_->workers) {
    WorkerView view{worker.identity,    -1,          worker_state_text(worker, data_hash), worker.report.step,
                    worker.memory_step, worker.heard};
    if (worker.trains()) {
      const std::vector<uint32_t>& ordinals = state_->world->ordinals;
      view.rank = static_cast<int>(std::find(ordinals.begin(), ordinals.end(), ordinal) - ordinals.begin());
      // Each finished step is there.
      if (view.step > 0) view.memory_step = std::max(view.memory_step, view.step);
    }
    views.push_back(std::move(view));
  }
  return views;
}

std::string Membership::state() const {
  if (state_->over) return state_->over->outcome == EndRun::Outcome::kFinished ? "finished" : "stopped";
  if (state_->stopped) return "stopped";
  if (!state_->world) return "waiting";
  if (state_->world->asked || !state_->world->outcomes.empty()) return "ending";
  const bool forms = any_of(state_->workers, [](const Worker& worker) {
    return worker.trains() && worker.report.phase <= TrainerPhase::kForming;
  });
  return forms ? "forming" : "training";
}

std::string Membership::awaiting() const { return state_->told_awaiting; }
Generation Membership::generation() const { return {state_->options.epoch, state_->counter}; }
uint32_t Membership::world_size() const {
  return state_->world ? static_cast<uint32_t>(state_->world->ordinals.size()) : 0;
}
uint32_t Membership::expected() const { return state_->expected; }
TrainerReport Membership::newest_report() const { return state_->newest_report; }

}  // namespace podium
