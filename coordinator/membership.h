// Who trains with whom, and when that changes: a pure state machine. Events in, actions out; no clock, no sockets, no
// threads. Its tests are transcripts.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "coordinator/discovery/discovery.h"
#include "worker/base/log.h"
#include "worker/base/trainer_phase.h"

namespace podium {

// Seconds on a steady clock; whoever feeds events passes the time.
using Seconds = double;

struct Generation {
  uint64_t epoch = 0, counter = 0;
  auto operator<=>(const Generation&) const = default;
};

std::string_view name_of(TrainerPhase phase);  // "training", "preparing data", …

struct TrainerReport {
  TrainerPhase phase = TrainerPhase::kNone;
  int64_t step = 0;
  uint64_t ticks = 0;  // grows with every piece of work
  double loss = 0, tokens_per_second = 0;
};

enum class TrainerOutcome : uint8_t { kFailed, kFinished, kYielded, kStopped, kSuperseded, kKilled };

struct WorkerIdentity {
  uint32_t ordinal = 0;
  std::string name, uid, address, image_version, run_name, settings_hash;
};

struct MembershipOptions {
  uint64_t epoch = 1;
  WorkerIdentity own;             // the coordinator's worker: image, run and settings must be equal to its
  uint32_t expected_workers = 1;  // ordinals [0, expected)
  uint32_t minimum_workers = 0;   // 0: more than half of those expected
  Seconds form_seconds = 10;      // how long to wait for all of them before fewer will do
  Seconds lost_seconds = 4;       // without a heartbeat
  Seconds hang_seconds = 30;      // without progress of a trainer
  Seconds start_seconds = 60;     // from the start of a generation until its trainers are in MPI
  Seconds leave_seconds = 0.5;    // how long a first leaver waits for others before the rest re-forms without it
  // Generations that end without a finished step before the run is given up: by a failure of its own, and by anything
  // at all (a trainer that the kernel kills each time it reaches for its memory looks like one killed by hand).
  uint32_t failures_in_a_row = 10, fruitless_in_a_row = 100;
};

// ---- what happens
// One line each, as a table.
// clang-format off
// `connection` is a number that the service gives each stream, never reused.
struct Connected { uint64_t connection; WorkerIdentity worker; Generation newest = {}; };  // newest: that it has seen
struct BecameReady { uint64_t connection; std::string data_hash, instruction_set; int64_t memory_step; };
struct HeartbeatCame { uint64_t connection; Generation generation; TrainerReport trainer; };
struct TrainerHasEnded { uint64_t connection; Generation generation; TrainerOutcome outcome; std::string reason; int64_t memory_step; };
struct WantsToLeave { uint64_t connection; };
struct Disconnected { uint64_t connection; std::string reason; };
struct ExpectedChanged { uint32_t workers; };
struct PodsChanged { SeenPods pods; };  // as the cluster shows them
struct DeadlineCame { std::string reason; };  // the run is to be stopped, for good
struct Tick {};
using MembershipEvent = std::variant<Connected, BecameReady, HeartbeatCame, TrainerHasEnded, WantsToLeave, Disconnected,
                                     ExpectedChanged, PodsChanged, DeadlineCame, Tick>;

// ---- what is to be done
struct Admit { uint64_t connection; };
// The stream is closed with it: a stranger's, or that of a worker that is silent or came again on another stream.
struct Refuse { uint64_t connection; std::string reason; };
struct StartWorld { Generation generation; std::vector<uint64_t> connections; std::vector<uint32_t> ordinals; std::string instruction_set; };
struct EndWorld { Generation generation; std::vector<uint64_t> connections; std::string reason; };  // kill the trainers
struct TellTrainers { enum class Kind : uint8_t { kYield, kStop } kind; Generation generation; std::vector<uint64_t> connections; };
struct EndRun { enum class Outcome : uint8_t { kFinished, kStopped, kSuperseded, kFailed, kExpired } outcome; std::vector<uint64_t> connections; std::string reason; bool state_saved = false; };  // saved: in a snapshot, if anything was trained
struct Await { std::vector<uint64_t> connections; std::string text; };  // told to all whenever the text changes
struct Log { std::string text; Severity severity = Severity::kInfo; };  // an event for people: status and log
// clang-format on
using MembershipAction = std::variant<Admit, Refuse, StartWorld, EndWorld, TellTrainers, EndRun, Await, Log>;

// One worker as the status shows it.
struct WorkerView {
  WorkerIdentity identity;
  int rank = -1;
  std::string state;
  int64_t step = 0, memory_step = -1;
  Seconds last_heartbeat = 0;
};

class Membership {
 public:
  explicit Membership(MembershipOptions options);
  ~Membership();

  // Before the first event.
  void set_epoch(uint64_t epoch);
  // Takes an event at a time that never goes back; returns what is to be done, in order.
  std::vector<MembershipAction> handle(const MembershipEvent& event, Seconds now);

  // For the status.
  std::vector<WorkerView> workers() const;
  std::string state() const;     // "waiting", "forming", "training", "ending", "finished", "stopped"
  std::string awaiting() const;  // empty when nothing is
  Generation generation() const;
  uint32_t world_size() const;
  uint32_t expected() const;
  TrainerReport newest_report() const;  // of the world's rank 0

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace podium
