// The trainers of one worker: the one in use, and one that stands by with its data read to take its place.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "worker/supervise/trainer_process.h"

namespace podium {

// There is always one in use, or one to come: after its end the next takes its place. On the io_context's thread.
class Trainers {
 public:
  struct Handlers {
    std::function<void()> ready;                            // the one in use waits for a world
    std::function<void(const proto::TrainerState&)> state;  // of the one in use
    // The one that was in a world, or waited for one, is gone; before another is ready.
    std::function<void(const TrainerEnd& end, const std::string& reason)> ended;
    // Preparation failed again and again; nothing is tried any more.
    std::function<void(const std::string& reason)> hopeless;
    std::function<void(const std::string& text)> log;
  };
  Trainers(boost::asio::io_context& io, TrainerCommand command, double hang_seconds, Handlers handlers);
  ~Trainers();  // kills and reaps

  // Starts the first.
  void begin();
  bool is_ready() const;
  const proto::Prepared& prepared() const;  // of the one that is ready
  proto::TrainerState state() const;        // of the one in use; none: PHASE_NONE
  double idle_seconds() const;              // since its last progress; none: since the one before
  uint64_t starts() const { return starts_; }
  // Of the one in use and the one that stands by, if there are.
  std::optional<pid_t> process() const;
  std::optional<pid_t> standby_process() const;
  // Leads the one that is ready into a world.
  void start(const proto::StartTraining& start);
  bool in_world() const;
  void stop(proto::Command::Kind kind);
  void kill(const std::string& reason);  // the one in a world
  // From now on one stands by, until it is needed.
  void prepare_standby();
  // Several times a second: kills who says nothing.
  void check();
  bool owns(pid_t process) const;
  // Nothing new is started, and who is in no world is killed.
  void close();

 private:
  struct Slot;
  void spawn(std::unique_ptr<Slot>& place);
  void has_ended(const Slot& slot, const TrainerEnd& end);
  void not_prepared(bool in_use, const std::string& reason);
  void use_next(std::chrono::seconds delay);
  void spawn_later(std::chrono::seconds delay);

  boost::asio::io_context& io_;
  const TrainerCommand command_;
  const double hang_seconds_;
  const Handlers handlers_;
  std::unique_ptr<Slot> in_use_, standby_;
  bool wants_standby_ = false, closed_ = false;
  int failures_ = 0;  // preparations in a row
  uint64_t starts_ = 0;
  std::chrono::steady_clock::time_point progressed_ = std::chrono::steady_clock::now();
  boost::asio::steady_timer later_;
};

}  // namespace podium
