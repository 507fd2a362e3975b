// Workers that answer a Membership as real ones do, over streams with delays, while faults happen to them; and a
// referee that checks what the membership does against what it has been told.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "coordinator/membership.h"
#include "worker/base/random.h"

namespace podium {

// Sees exactly what the membership sees: events as they arrive, actions as they are returned.
class Referee {
 public:
  explicit Referee(const MembershipOptions& options) : options_(options), expected_(options.expected_workers) {}
  void arrived(const MembershipEvent& event);
  void returned(const std::vector<MembershipAction>& actions);
  int worlds() const { return static_cast<int>(counter_); }

 private:
  struct Stream {
    uint32_t ordinal = 0;
    bool ready = false, in_world = false, leaving = false, dismissed = false;
    std::string data_hash;
  };
  void started(const StartWorld& start, bool last);
  void closed(uint64_t connection);
  size_t minimum() const;

  MembershipOptions options_;
  uint32_t expected_;
  uint64_t counter_ = 0;
  std::map<uint64_t, Stream> arriving_, streams_;
  std::set<uint32_t> left_;
};

class SimulatedCluster {
 public:
  SimulatedCluster(MembershipOptions options, CounterRandom random, int64_t last_step);

  void step(bool with_faults);
  // No fault is felt any more: all expected train, or the run is over.
  bool is_well() const;
  std::string describe() const;
  const Referee& referee() const { return referee_; }

 private:
  struct Process {
    uint32_t ordinal = 0;
    uint64_t uid = 0, connection = 0;
    bool alive = false, open = false;
    Seconds starts = 0, connects = 0, prepared = 0, muted_until = 0, leaves_until = 0;
    bool leaving = false, ready = false, stuck = false;
    std::string data_hash = "same";
    std::optional<Generation> generation;  // of the trainer in a world
    Seconds joined = 0;
    std::optional<TellTrainers::Kind> asked;
    int64_t step = -1;
    uint64_t ticks = 0;
    std::deque<MembershipEvent> sent;
    std::deque<MembershipAction> received;
  };
  void live(Process& process);
  void train(Process& process);
  void take(Process& process, const MembershipAction& action);
  void end_trainer(Process& process, TrainerOutcome outcome);
  void prepare(Process& process);
  void close_stream(Process& process, Seconds pause);
  void exit(Process& process, Seconds pause);
  void cause_fault();
  void handle(const MembershipEvent& event);
  void deliver(const MembershipAction& action);
  Process* process_of(uint64_t connection);
  bool chance(uint64_t one_in) { return random_.below(one_in) == 0; }
  Seconds between(Seconds low, Seconds high) { return low + (high - low) * unit_interval(random_.next()); }

  MembershipOptions options_;
  CounterRandom random_;
  int64_t last_step_;
  Membership membership_;
  Referee referee_;
  std::vector<Process> processes_;
  std::deque<MembershipEvent> broken_;  // the ends of streams, which arrive after what was sent on them
  uint64_t next_connection_ = 1, next_uid_ = 1;
  Seconds now_ = 0;
};

}  // namespace podium
