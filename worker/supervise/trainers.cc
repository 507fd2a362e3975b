#include "worker/supervise/trainers.h"

#include "worker/base/error.h"
#include "worker/supervise/exit_codes.h"

namespace podium {
namespace {

// After waits of 1, 2, 4, 8 and 16 seconds.
constexpr int kRetries = 5;

bool is_last_of_run(const TrainerEnd& end) {
  return end.signal == 0 &&
         (end.exit_code == kExitFinished || end.exit_code == kExitStopped || end.exit_code == kExitSuperseded);
}

bool is_progress(const proto::TrainerState& before, const proto::TrainerState& now) {
  return now.ticks() != before.ticks() || now.step() != before.step() || now.phase() != before.phase();
}

}  // namespace

struct Trainers::Slot {
  std::unique_ptr<TrainerProcess> process;
  std::optional<proto::Prepared> prepared;
  proto::TrainerState state;
  bool in_world = false;
  std::string kill_reason;
};

Trainers::Trainers(boost::asio::io_context& io, TrainerCommand command, double hang_seconds, Handlers handlers)
    : io_(io), command_(std::move(command)), hang_seconds_(hang_seconds), handlers_(std::move(handlers)), later_(io) {}

Trainers::~Trainers() = default;

void Trainers::begin() { spawn_later(std::chrono::seconds(0)); }

bool Trainers::is_ready() const { return in_use_ && in_use_->prepared && !in_use_->in_world; }

const proto::Prepared& Trainers::prepared() const {
  PODIUM_CHECK(is_ready());
  return *in_use_->prepared;
}

proto::TrainerState Trainers::state() const { return in_use_ ? in_use_->state : proto::TrainerState(); }

void Trainers::start(const proto::StartTraining& start) {
  PODIUM_CHECK(is_ready());
  in_use_->in_world = true;
  in_use_->process->start(start);
}

double Trainers::idle_seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - progressed_).count();
}

std::optional<pid_t> Trainers::process() const {
  return in_use_ ? std::optional(in_use_->process->id()) : std::nullopt;
}

std::optional<pid_t> Trainers::standby_process() const {
  return standby_ ? std::optional(standby_->process->id()) : std::nullopt;
}

bool Trainers::in_world() const { return in_use_ && in_use_->in_world; }

void Trainers::stop(proto::Command::Kind kind) {
  if (in_world()) in_use_->process->stop(kind);
}

void Trainers::kill(const std::string& reason) {
  if (!in_world() || !in_use_->kill_reason.empty()) return;
  in_use_->kill_reason = reason;
  in_use_->process->kill();
}

void Trainers::prepare_standby() {
  if (closed_ || wants_standby_) return;
  wants_standby_ = true;
  if (in_use_ && !standby_) spawn(standby_);
}

void Trainers::check() {
  for (Slot* slot : {in_use_.get(), standby_.get()}) {
    if (slot == nullptr || !slot->kill_reason.empty() || slot->process->silence_seconds() < hang_seconds_) continue;
    slot->kill_reason = fmt::format("said nothing for {:g} s (stopped?)", hang_seconds_);
    slot->process->kill();
  }
}

bool Trainers::owns(pid_t process) const {
  return (in_use_ && in_use_->process->id() == process) || (standby_ && standby_->process->id() == process);
}

void Trainers::close() {
  closed_ = true;
  later_.cancel();
  standby_.reset();
  if (!in_world()) in_use_.reset();
}

void Trainers::spawn(std::unique_ptr<Slot>& place) {
  auto slot = std::make_unique<Slot>();
  Slot* const own = slot.get();
  TrainerProcess::Handlers handlers;
  handlers.prepared = [this, own](const proto::Prepared& prepared) {
    own->prepared = prepared;
    failures_ = 0;
    if (own == in_use_.get()) handlers_.ready();
  };
  handlers.state = [this, own](const proto::TrainerState& state) {
    const bool in_use = own == in_use_.get();
    if (in_use && is_progress(own->state, state)) progressed_ = std::chrono::steady_clock::now();
    own->state = state;
    if (in_use && handlers_.state) handlers_.state(state);
  };
  handlers.ended = [this, own](const TrainerEnd& end) { has_ended(*own, end); };
  try {
    slot->process = std::make_unique<TrainerProcess>(io_, command_, std::move(handlers));
    ++starts_;
  } catch (const Error& error) {
    return not_prepared(&place == &in_use_, error.what());
  }
  place = std::move(slot);
}

void Trainers::has_ended(const Slot& slot, const TrainerEnd& end) {
  const bool in_use = &slot == in_use_.get();
  const std::unique_ptr<Slot> ended = std::move(in_use ? in_use_ : standby_);
  const std::string reason = ended->kill_reason.empty() ? end.text() : ended->kill_reason;
  if (!ended->prepared) {
    if (end.signal == 0 && end.exit_code == kExitBadData) failures_ = kRetries;
    return not_prepared(in_use, reason);
  }
  if (!ended->in_world && !closed_)
    handlers_.log(fmt::format("a trainer that waited for its world is gone: {}", reason));
  if (in_use) handlers_.ended(end, reason);
  // After the last world of a run, another trainer would read the data for nothing: the coordinator is about to tell.
  use_next(std::chrono::seconds(!ended->in_world || is_last_of_run(end) ? 1 : 0));
}

void Trainers::not_prepared(bool in_use, const std::string& reason) {
  if (closed_) return;
  if (++failures_ > kRetries) {
    if (in_use && !standby_) return close(), handlers_.hopeless(reason);
    // The one in use trains. Its end will show whether another can be had.
    handlers_.log(fmt::format("no trainer stands by: {}", reason));
    failures_ = 0;
    wants_standby_ = false;
    return;
  }
  const std::chrono::seconds delay(1 << (failures_ - 1));
  handlers_.log(fmt::format("the trainer could not prepare itself, trying again in {} s: {}", delay.count(), reason));
  use_next(delay);
}

void Trainers::use_next(std::chrono::seconds delay) {
  if (closed_) return;
  if (!in_use_ && standby_) {
    in_use_ = std::move(standby_);
    wants_standby_ = false;
    if (in_use_->prepared) handlers_.ready();
    return;
  }
  if (!in_use_ || wants_standby_) spawn_later(delay);
}

void Trainers::spawn_later(std::chrono::seconds delay) {
  later_.expires_after(delay);
  later_.async_wait([this](const boost::system::error_code& error) {
    if (error || closed_) return;
    if (!in_use_)
      spawn(in_use_);
    else if (wants_standby_ && !standby_)
      spawn(standby_);
  });
}

}  // namespace podium
