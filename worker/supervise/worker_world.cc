// What a worker does about what coordinator, trainer and PMIx say.
#include <signal.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "worker/base/error.h"
#include "worker/memory_state/memory_state.h"
#include "worker/supervise/exit_codes.h"
#include "worker/supervise/when_done.h"
#include "worker/supervise/worker_loop.h"

namespace podium {
namespace {

using std::chrono::steady_clock;

// Between heartbeats that tell of a phase.
constexpr std::chrono::milliseconds kShortestHeartbeat{100};
// The others learn of the end of the run from the coordinator before it goes.
constexpr std::chrono::milliseconds kFarewell{500};
constexpr std::chrono::milliseconds kSurplusWait{30'000};
constexpr std::chrono::minutes kLongestUpload{15};

bool same(const proto::GenerationNumber& a, const proto::GenerationNumber& b) {
  return a.epoch() == b.epoch() && a.counter() == b.counter();
}

bool has_failed(const proto::RunEnded& end) {
  return end.outcome() == proto::RunEnded::FAILED || end.outcome() == proto::RunEnded::SUPERSEDED;
}
bool is_done(const proto::RunEnded& end) {
  return end.outcome() == proto::RunEnded::FINISHED || end.outcome() == proto::RunEnded::EXPIRED;
}

// The generation of a message between trainers; nullptr: it is none.
const proto::GenerationNumber* generation_of(const proto::CoordinatorMessage& message) {
  if (message.has_end()) return &message.end().generation();
  if (message.has_command()) return &message.command().generation();
  if (message.has_fence()) return &message.fence().generation();
  if (message.has_modex_request()) return &message.modex_request().generation();
  if (message.has_modex_reply()) return &message.modex_reply().generation();
  return nullptr;
}

// A step goes through these many times a second.
bool within_a_step(proto::Phase phase) { return phase == proto::PHASE_TRAINING || phase == proto::PHASE_ALLREDUCE; }

bool is_own_fault(int signal) {
  constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
  return std::find(std::begin(kFaults), std::end(kFaults), signal) != std::end(kFaults);
}

proto::TrainerEnded::Outcome outcome_of(const TrainerEnd& end) {
  if (end.signal != 0) return is_own_fault(end.signal) ? proto::TrainerEnded::FAILED : proto::TrainerEnded::KILLED;
  switch (end.exit_code) {
    case kExitFinished:
      return proto::TrainerEnded::FINISHED;
    case kExitYielded:
      return proto::TrainerEnded::YIELDED;
    case kExitStopped:
      return proto::TrainerEnded::STOPPED;
    case kExitSuperseded:
      return proto::TrainerEnded::SUPERSEDED;
    default:
      return proto::TrainerEnded::FAILED;
  }
}

}  // namespace

// ---- the coordinator

void WorkerLoop::connected() {
  waiting_.set("");
  if (trainers_ && trainers_->is_ready()) trainer_ready();
}

void WorkerLoop::disconnected(const std::string& reason, bool refused) {
  if (run_ended_) return;
  if (signal_) return exit(*signal_);
  if (refused) log_.line(fmt::format("worker 0 at {} refused: {}", coordinator_, reason), Severity::kWarning);
  wait_for_coordinator();
  if (trainers_) trainers_->kill("its coordinator is lost");
}

void WorkerLoop::handle(const proto::CoordinatorMessage& message) {
  if (message.has_run_ended()) return end_run(message.run_ended());
  if (run_ended_) return;
  if (message.has_start()) return start_world(message.start());
  // Where all workers print to one terminal, the coordinator's tells it for all.
  if (message.has_awaiting())
    return waiting_.set(setup_.shares_terminal && self_.ordinal != 0 ? "" : message.awaiting().text());
  const proto::GenerationNumber* const generation = generation_of(message);
  if (generation == nullptr || !in_world_ || !same(*generation, world_)) return;
  if (message.has_end()) trainers_->kill(message.end().reason());
  if (message.has_command()) trainers_->stop(message.command().kind());
  if (message.has_fence()) pmix_->fence_result(message.fence().sequence(), message.fence().data());
  if (message.has_modex_request()) answer_modex(message.modex_request());
  if (message.has_modex_reply())
    pmix_->modex_result(message.modex_reply().id(), message.modex_reply().found(), message.modex_reply().data());
}

void WorkerLoop::send(proto::WorkerMessage message) {
  if (client_) client_->send(std::move(message));
}

void WorkerLoop::start_world(const proto::StartGeneration& start) {
  const auto& ordinals = start.ordinals();
  const auto own = std::find(ordinals.begin(), ordinals.end(), self_.ordinal);
  if (own == ordinals.end()) return log_.line("was told to start a world that it is not in");
  // Its trainer ended while the news of it were on their way.
  if (in_world_ || !trainers_->is_ready())
    return tell_end(start.generation(), proto::TrainerEnded::KILLED, "no trainer was ready any more");
  waiting_.set("");
  world_ = start.generation();
  client_->saw(world_);
  rank_ = static_cast<uint32_t>(own - ordinals.begin());
  world_size_ = static_cast<uint32_t>(ordinals.size());
  first_step_.reset();
  trainer_stopped_ = false;
  proto::StartTraining message;
  *message.mutable_generation() = world_;
  message.set_rank(rank_);
  message.set_world_size(world_size_);
  message.set_instruction_set(start.instruction_set());
  try {
    for (const auto& [name, value] : enter_world(message)) (*message.mutable_environment())[name] = value;
  } catch (const Error& error) {
    tell_end(world_, proto::TrainerEnded::FAILED, error.what());
    return trainer_ready();  // it still is
  }
  in_world_ = true;
  ++generations_;
  if (std::exchange(recovers_, false)) ++recoveries_;
  trainers_->start(message);
  heartbeat();
}

std::map<std::string, std::string> WorkerLoop::enter_world(const proto::StartTraining& start) {
  PmixServer::World world;
  world.name = fmt::format("podium-{}-{}", world_.epoch(), world_.counter());
  world.rank = start.rank();
  world.size = start.world_size();
  world.network = self_.address + "/32";
  world.first_port = static_cast<uint16_t>(options_.mpi_first_port);
  world.ports = static_cast<uint16_t>(world.first_port == 0 ? 0 : options_.mpi_ports);
  return pmix_->enter(world);
}

// The request comes with the rank of who asks.
void WorkerLoop::answer_modex(const proto::ModexRequest& request) {
  pmix_->modex_request(rank_, [this, request](bool found, std::string data) {
    proto::WorkerMessage message;
    proto::ModexReply& reply = *message.mutable_modex_reply();
    *reply.mutable_generation() = request.generation();
    reply.set_asker(request.rank());
    reply.set_id(request.id());
    reply.set_found(found);
    reply.set_data(std::move(data));
    send(std::move(message));
  });
}

void WorkerLoop::end_run(const proto::RunEnded& end) {
  if (run_ended_) return;
  run_ended_ = end;
  waiting_.set("");
  trainers_->kill("the run has ended");
  trainers_->close();
  const bool failed = has_failed(end);
  if (failed)
    log_.line(fmt::format("the run {}: {}", end.outcome() == proto::RunEnded::FAILED ? "failed" : "is another's now",
                          end.reason()),
              Severity::kError);
  if (end.outcome() == proto::RunEnded::EXPIRED) log_.line(fmt::format("the run is over: {}", end.reason()));
  ended_ = steady_clock::now();
  farewell_ = farewell();
  if (bucket_ == nullptr || failed) return conclude();
  bucket_->look();
  wait_for_bucket();
}

// The bucket has the last snapshot, and the marker, before anything says that the run is over: unless it refuses them,
// and at most for as long as a signal's grace lasts, or a bill should grow.
void WorkerLoop::wait_for_bucket() {
  if (bucket_->is_level()) return conclude();
  if (bucket_->has_failed() || steady_clock::now() - ended_ > kLongestUpload) {
    log_.line(fmt::format("the last snapshots are NOT in the bucket, but in {}: {}", setup_.settings.snapshots.folder,
                          bucket_->trouble()),
              Severity::kError);
    return conclude();
  }
  bucket_timer_.expires_after(std::chrono::milliseconds(50));
  bucket_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) wait_for_bucket();
  });
}

void WorkerLoop::conclude() {
  const proto::RunEnded& end = *run_ended_;
  const bool failed = has_failed(end);
  const bool done = is_done(end);
  if (done && setup_.pod && self_.ordinal == 0 && scales_to_zero(setup_)) scale_to_zero(*size_, setup_, log_);
  idle_ = done && !signal_ && stays_when_done(setup_);
  if (idle_) return;
  const int code = failed ? 1 : done ? 0 : signal_.value_or(0);
  // A container that ends is started again; this pod is about to be told to go, if nobody scales up meanwhile.
  const bool surplus = setup_.pod && !failed && !done && !signal_;
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - ended_);
  exit_after(surplus ? kSurplusWait : std::max(farewell_ - passed, std::chrono::milliseconds(0)), code);
}

// The coordinator stays until the others have heard of the end; those that are still to come have the time that a world
// would have waited for them.
std::chrono::milliseconds WorkerLoop::farewell() const {
  if (!service_ || expected_ <= 1) return std::chrono::milliseconds(0);
  const bool done = is_done(*run_ended_);
  if (!done || setup_.shares_terminal || service_->status().workers_connected() >= expected_) return kFarewell;
  return std::max(kFarewell,
                  std::chrono::milliseconds(static_cast<int64_t>(setup_.settings.workers.form_seconds * 1000)));
}

// -1: none, or one that these settings cannot use.
int64_t WorkerLoop::memory_step() const {
  if (options_.memory_folder.empty()) return -1;
  const auto found = MemoryState::find(options_.memory_folder, setup_.run, self_.ordinal);
  return found && found->settings_hash == settings_hash_ ? found->step : -1;
}

// ---- the trainer

Trainers::Handlers WorkerLoop::trainer_handlers() {
  return {
      .ready = [this] { trainer_ready(); },
      .state = [this](const proto::TrainerState& state) { trainer_state(state); },
      .ended = [this](const TrainerEnd& end, const std::string& reason) { trainer_ended(end, reason); },
      .hopeless =
          [this](const std::string& reason) {
            log_.line(fmt::format("gives up, the trainer cannot prepare itself: {}", reason), Severity::kError);
            exit(1);
          },
      .log = [this](const std::string& text) { log_.line(text, Severity::kWarning); },
  };
}

void WorkerLoop::trainer_ready() {
  const proto::Prepared& prepared = trainers_->prepared();
  proto::WorkerMessage message;
  message.mutable_ready()->set_data_hash(prepared.data_hash());
  message.mutable_ready()->set_instruction_set(prepared.instruction_set());
  message.mutable_ready()->set_memory_step(memory_step());
  send(std::move(message));
}

// Training stands still while rank 0 writes a snapshot, and the others wait for it.
void WorkerLoop::time_snapshot(proto::Phase phase) {
  if (phase == proto::PHASE_SNAPSHOT) {
    if (!snapshot_began_) snapshot_began_ = steady_clock::now();
  } else if (const auto began = std::exchange(snapshot_began_, std::nullopt)) {
    stalls_.last_seconds = std::chrono::duration<double>(steady_clock::now() - *began).count();
    stalls_.seconds += *stalls_.last_seconds;
  }
}

void WorkerLoop::trainer_state(const proto::TrainerState& state) {
  time_snapshot(state.phase());
  const bool news = state.phase() != told_phase_ && !(within_a_step(state.phase()) && within_a_step(told_phase_));
  if (news && steady_clock::now() - told_ >= kShortestHeartbeat) heartbeat();
  if (!in_world_ || !within_a_step(state.phase())) return;
  if (!first_step_) first_step_ = state.step();
  if (state.step() > *first_step_ && options_.standby && !signal_ && !run_ended_) trainers_->prepare_standby();
}

void WorkerLoop::trainer_ended(const TrainerEnd& end, const std::string& reason) {
  proto::TrainerEnded::Outcome outcome = outcome_of(end);
  // This worker killed it, for a reason of its own.
  if (outcome == proto::TrainerEnded::KILLED && reason != end.text()) outcome = proto::TrainerEnded::FAILED;
  snapshot_began_.reset();
  proto::GenerationNumber generation;  // none: it waited
  if (std::exchange(in_world_, false)) {
    generation = world_;
    pmix_->leave();
    trainer_stopped_ = outcome == proto::TrainerEnded::STOPPED;
    recovers_ = outcome == proto::TrainerEnded::FAILED || outcome == proto::TrainerEnded::KILLED;
  }
  tell_end(generation, outcome, reason);
}

void WorkerLoop::tell_end(const proto::GenerationNumber& generation, proto::TrainerEnded::Outcome outcome,
                          const std::string& reason) {
  proto::WorkerMessage message;
  proto::TrainerEnded& ended = *message.mutable_trainer_ended();
  *ended.mutable_generation() = generation;
  ended.set_outcome(outcome);
  if (outcome == proto::TrainerEnded::FAILED || outcome == proto::TrainerEnded::KILLED ||
      outcome == proto::TrainerEnded::SUPERSEDED)
    ended.set_reason(reason);
  ended.set_memory_step(memory_step());
  send(std::move(message));
}

PmixServer::Handlers WorkerLoop::pmix_handlers() {
  return {
      .post = [this](std::function<void()> function) { boost::asio::post(io_, std::move(function)); },
      .fence =
          [this](uint64_t sequence, std::string data) {
            if (!in_world_) return;
            proto::WorkerMessage message;
            *message.mutable_fence()->mutable_generation() = world_;
            message.mutable_fence()->set_sequence(sequence);
            message.mutable_fence()->set_data(std::move(data));
            send(std::move(message));
          },
      .modex =
          [this](uint64_t id, uint32_t rank) {
            if (!in_world_) return;
            proto::WorkerMessage message;
            *message.mutable_modex_request()->mutable_generation() = world_;
            message.mutable_modex_request()->set_id(id);
            message.mutable_modex_request()->set_rank(rank);
            send(std::move(message));
          },
      .abort =
          [this](int status, std::string message) {
            if (trainers_) trainers_->kill(fmt::format("MPI_Abort({}): {}", status, message));
          },
  };
}

}  // namespace podium
