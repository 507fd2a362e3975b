// Inside of the membership. Its functions stand in membership.cc (events), membership_worlds.cc (how a world begins and
// ends) and membership_leaving.cc (who goes, and what is saved then).
#pragma once

#include "coordinator/membership.h"
#include "coordinator/workers.h"

namespace podium {

// One generation's, from its StartWorld until no trainer of it is left.
struct World {
  Generation generation;
  std::vector<uint32_t> ordinals;  // by rank
  Seconds started = 0;
  std::optional<TellTrainers::Kind> asked;
  Seconds asked_at = 0;
  std::string asked_reason;
  std::vector<TrainerOutcome> outcomes;  // of those that have ended
  std::string failure;                   // while it is being stopped: why there may be no snapshot
  int64_t highest_step = 0;

  bool stops() const { return asked == TellTrainers::Kind::kStop; }
};

struct Membership::State {
  explicit State(MembershipOptions given) : options(std::move(given)), expected(options.expected_workers) {}

  void on(const Connected& event);
  void on(const BecameReady& event);
  void on(const HeartbeatCame& event);
  void on(const TrainerHasEnded& event);
  void on(const WantsToLeave& event);
  void on(const Disconnected& event);
  void on(const ExpectedChanged& event);
  void on(const PodsChanged& event);
  void on(const DeadlineCame& event);
  void on(const Tick&);
  // Everything that follows from the state and the time rather than from one event.
  void settle();
  void tell_awaiting();

  void admit(const Connected& event);
  bool make_room(const Connected& event, Worker& old);
  void drop(Worker& worker, const std::string& reason);
  Worker* heard_from(uint64_t connection);

  bool may_train(const Worker& worker, const std::optional<std::string>& data_hash) const;
  std::vector<uint32_t> candidates() const;
  uint32_t minimum() const;
  void form();
  void start_world(std::vector<uint32_t> ordinals);
  void invite();
  void ask(TellTrainers::Kind kind, const std::string& reason);
  enum class Fault { kRun, kOutside };  // a lost worker or a killed trainer is not the run's fault
  void fail_world(const std::string& reason, Fault fault);
  void forgive_failure();
  void conclude();
  World close_world(const std::string& reason, bool failed = false);
  void watch_world();

  void let_go();
  void let_some_go();
  void stop_everything();
  bool save_state();
  void dismiss(const std::vector<uint64_t>& connections, EndRun::Outcome outcome, const std::string& reason,
               bool state_saved = false);
  void stop_leavers(const std::string& reason);
  void end_run(EndRun::Outcome outcome, const std::string& reason, bool state_saved = false);
  bool holds_state() const;

  void log(std::string text, Severity severity = Severity::kInfo) { actions.push_back(Log{std::move(text), severity}); }

  MembershipOptions options;
  uint32_t expected;
  Workers workers;
  SeenPods pods;
  std::optional<World> world;
  uint64_t counter = 0;
  TrainerReport newest_report;
  bool has_trained = false;
  int64_t highest_step = 0;
  uint32_t failures = 0, fruitless = 0;
  Generation counted_failure;  // the last that added to them

  Seconds now = 0;
  std::optional<Seconds> waiting_since;  // without a world; unset before the first event
  std::optional<Seconds> leaving_since;  // somebody wants to leave and has not been let go
  std::string deadline;                  // why the run is to be stopped for good; empty: it is not
  std::optional<EndRun> over;            // nothing will ever be trained again
  bool stopped = false;                  // everybody was told so, and nobody has come since

  std::string told_awaiting;
  bool newcomer = false;  // who has not been told what is awaited
  std::vector<MembershipAction> actions;
};

// Why the world cannot go on: a trainer without progress, MPI that does not form. nullopt: all is well.
std::optional<std::string> find_hang(const Workers& workers, const World& world, const MembershipOptions& options,
                                     Seconds now);

}  // namespace podium
