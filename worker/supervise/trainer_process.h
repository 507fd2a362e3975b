// A trainer as its worker sees it: a child process with a channel, whose end and silence are noticed.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/trainer.pb.h"

namespace podium {

struct TrainerCommand {
  std::vector<std::string> arguments;              // the program's path first
  std::map<std::string, std::string> environment;  // all of it
};

// How it ended, as text for people: "exit code 1", "killed by SIGKILL (out of memory?)".
struct TrainerEnd {
  int exit_code = 0;  // when signal is 0
  int signal = 0;
  std::string failure;  // what it said itself before, if it did
  std::string text() const;
};

// Runs on the io_context's thread. Started with posix_spawn in a process group of its own, everything but standard
// streams and the channel closed; the trainer's main asks to die with its parent.
class TrainerProcess {
 public:
  struct Handlers {
    std::function<void(const proto::Prepared&)> prepared;
    std::function<void(const proto::TrainerState&)> state;
    std::function<void(const TrainerEnd&)> ended;  // once, after its last message; the object may be destroyed in it
  };
  // Throws Error when it cannot be started.
  TrainerProcess(boost::asio::io_context& io, const TrainerCommand& command, Handlers handlers);
  // Kills it, if it still runs, and reaps it.
  ~TrainerProcess();

  pid_t id() const;
  bool is_prepared() const;
  // Seconds since its last message.
  double silence_seconds() const;
  void start(const proto::StartTraining& start);
  void stop(proto::Command::Kind kind);
  // SIGKILL to its process group; `ended` follows.
  void kill();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace podium
