// Who goes, and what is saved then.
#include <fmt/format.h>

#include <algorithm>

#include "coordinator/membership_state.h"
#include "coordinator/membership_text.h"

namespace podium {
namespace {

bool wants_out(const Worker& worker) { return worker.takes_part() && worker.leaving; }

}  // namespace

void Membership::State::let_go() {
  std::vector<uint64_t> surplus;
  for (const auto& [ordinal, worker] : workers)
    if (worker.takes_part() && ordinal >= expected && !worker.member) surplus.push_back(worker.connection);
  const std::string now_expected = fmt::format("worker_count is now {}", expected);
  dismiss(surplus, EndRun::Outcome::kStopped, now_expected);

  if (!deadline.empty()) {
    for (auto& [ordinal, worker] : workers) worker.leaving |= worker.takes_part();
    if (!any_of(workers, wants_out)) return end_run(EndRun::Outcome::kExpired, deadline);
  }
  if (any_of(workers, wants_out)) {
    if (!leaving_since) leaving_since = now;
    if (!any_of(workers, [](const Worker& worker) { return worker.takes_part() && !worker.leaving; }))
      stop_everything();
    else if (now - *leaving_since >= options.leave_seconds || (!world && !holds_state()))
      let_some_go();
  }
  if (!any_of(workers, wants_out)) leaving_since.reset();

  if (world &&
      any_of(workers, [&](const Worker& worker) { return worker.member && worker.identity.ordinal >= expected; }))
    ask(TellTrainers::Kind::kYield, now_expected);
}

// Those that train go at the end of a step, the others at once; the rest goes on.
void Membership::State::let_some_go() {
  dismiss(connections_of(workers, [](const Worker& worker) { return wants_out(worker) && !worker.member; }),
          EndRun::Outcome::kStopped, "left");
  std::vector<uint32_t> ordinals;
  for (const auto& [ordinal, worker] : workers)
    if (wants_out(worker)) ordinals.push_back(ordinal);
  if (!ordinals.empty())
    ask(TellTrainers::Kind::kYield,
        fmt::format("{} {}", workers_text(ordinals), ordinals.size() == 1 ? "leaves" : "leave"));
}

void Membership::State::stop_everything() {
  if (world) return ask(TellTrainers::Kind::kStop, deadline.empty() ? "all workers leave" : deadline);
  if (!save_state()) stop_leavers("");
}

bool Membership::State::holds_state() const {
  return has_trained ||
         any_of(workers, [](const Worker& worker) { return worker.takes_part() && worker.memory_step >= 0; });
}

// Without a world, all want to leave: whether the memory state is on its way into a snapshot by one last generation, or
// may still get there.
bool Membership::State::save_state() {
  if (!holds_state()) return false;
  std::vector<uint32_t> ordinals = candidates();
  auto newest_of = [](int64_t newest, const Worker& worker) { return std::max(newest, worker.memory_step); };
  int64_t newest = -1, newest_ready = -1;
  for (const auto& [ordinal, worker] : workers)
    if (worker.takes_part()) newest = newest_of(newest, worker);
  for (uint32_t ordinal : ordinals) newest_ready = newest_of(newest_ready, workers.at(ordinal));
  // A trainer is seldom ready just after a generation has ended, or not the one with the newest state.
  const bool waits = ordinals.empty() || newest_ready < newest;
  if (waits && now - *leaving_since < options.form_seconds) return true;
  if (ordinals.empty()) return false;
  start_world(std::move(ordinals));
  stop_everything();
  return true;
}

void Membership::State::dismiss(const std::vector<uint64_t>& connections, EndRun::Outcome outcome,
                                const std::string& reason, bool state_saved) {
  if (connections.empty()) return;
  std::vector<uint32_t> ordinals;
  for (auto& [ordinal, worker] : workers) {
    if (!worker.connected || std::find(connections.begin(), connections.end(), worker.connection) == connections.end())
      continue;
    worker.dismissed = true;
    ordinals.push_back(ordinal);
  }
  log(fmt::format("{} may go: {}", workers_text(ordinals), reason));
  actions.push_back(EndRun{outcome, connections, reason, state_saved});
}

// After a failure it may have been the one that writes the snapshot that failed.
void Membership::State::stop_leavers(const std::string& failure) {
  if (!deadline.empty())
    return end_run(EndRun::Outcome::kExpired, failure.empty() ? deadline : fmt::format("{}, but {}", deadline, failure),
                   failure.empty());
  dismiss(connections_of(workers, wants_out), EndRun::Outcome::kStopped,
          failure.empty() ? "all workers leave" : fmt::format("all workers leave, but {}", failure), failure.empty());
  stopped = !any_of(workers, [](const Worker& worker) { return worker.takes_part(); });
}

void Membership::State::end_run(EndRun::Outcome outcome, const std::string& reason, bool state_saved) {
  constexpr const char* kTexts[] = {"is finished", "was stopped", "is superseded by another coordinator", "has failed",
                                    "is over"};
  const std::string what = fmt::format("the run {}", kTexts[static_cast<size_t>(outcome)]);
  const std::string text = reason.empty() ? what : fmt::format("{}: {}", what, reason);
  if (world)
    close_world(text);
  else
    log(text);
  std::vector<uint64_t> connections = connections_of(workers, [](const Worker& worker) { return worker.takes_part(); });
  for (auto& [ordinal, worker] : workers)
    if (worker.connected) worker.dismissed = true;
  over = EndRun{outcome, connections, reason, state_saved};
  if (!connections.empty()) actions.push_back(*over);
}

}  // namespace podium
