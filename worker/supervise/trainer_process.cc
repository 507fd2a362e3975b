#include "worker/supervise/trainer_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <chrono>

#include "worker/base/descriptor.h"
#include "worker/base/error.h"
#include "worker/supervise/channel_json.h"
#include "worker/supervise/trainer_channel.h"

namespace podium {
namespace {

using boost::asio::posix::stream_descriptor;
using std::chrono::steady_clock;

constexpr int kChannelOfTrainer = STDERR_FILENO + 1;
// Messages taken before others on the io_context have their turn; and at the end, when no more can come.
constexpr int kMessagesAtATime = 64, kLastMessages = 4096;
// Only a process stuck in the kernel outlives a SIGKILL for long.
constexpr int kReapDeadlineMilliseconds = 10'000;

struct SpawnSetup {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  SpawnSetup() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnSetup() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// An empty packet and the end of all look the same to recv.
bool has_hung_up(int socket) {
  pollfd state{socket, POLLIN, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & POLLHUP) != 0;
}

pid_t spawn(const TrainerCommand& command, int channel) {
  SpawnSetup setup;
  // No terminal to read from: it is in the background of one.
  ::posix_spawn_file_actions_addopen(&setup.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&setup.actions, channel, kChannelOfTrainer);
  // Libraries may have forgotten close-on-exec somewhere.
  ::posix_spawn_file_actions_addclosefrom_np(&setup.actions, kChannelOfTrainer + 1);
  sigset_t all, none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::posix_spawnattr_setflags(&setup.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  ::posix_spawnattr_setpgroup(&setup.attributes, 0);
  ::posix_spawnattr_setsigdefault(&setup.attributes, &all);
  ::posix_spawnattr_setsigmask(&setup.attributes, &none);

  std::vector<std::string> arguments = command.arguments, environment;
  for (const auto& [name, value] : command.environment)
    if (name != kTrainerChannelVariable) environment.push_back(fmt::format("{}={}", name, value));
  environment.push_back(fmt::format("{}={}:{}", kTrainerChannelVariable, kChannelOfTrainer, ::getpid()));
  pid_t id = -1;
  const int error = ::posix_spawn(&id, arguments.at(0).c_str(), &setup.actions, &setup.attributes,
                                  pointers(arguments).data(), pointers(environment).data());
  if (error != 0) throw_system_error(error, fmt::format("cannot start {}", arguments.at(0)));
  return id;
}

}  // namespace

std::string TrainerEnd::text() const {
  if (!failure.empty()) return failure;
  if (signal == 0) return fmt::format("exit code {}", exit_code);
  const char* const name = ::sigabbrev_np(signal);
  const std::string text =
      name != nullptr ? fmt::format("killed by SIG{}", name) : fmt::format("killed by signal {}", signal);
  return signal == SIGKILL ? text + " (out of memory?)" : text;
}

// Callbacks that wait hold it, so it outlives them; `closed` tells them that nobody listens any more.
struct TrainerProcess::State : std::enable_shared_from_this<State> {
  State(boost::asio::io_context& io, Handlers h) : handlers(std::move(h)), channel(io), process(io) {}

  void spawn_child(const TrainerCommand& command);
  void wait_for_message();
  void wait_for_end();
  bool take_message();  // false: there is none now
  void take(const proto::TrainerMessage& message);
  void send(const proto::WorkerCommand& command);
  void kill_group() const { ::kill(-id, SIGKILL); }
  bool reap();
  void close();

  Handlers handlers;
  stream_descriptor channel, process;  // process: a pidfd
  pid_t id = -1;
  bool is_prepared = false, closed = false, reaped = false;
  TrainerEnd end;
  steady_clock::time_point last_message = steady_clock::now();
  std::string buffer = std::string(kLargestTrainerMessage, '\0');
};

void TrainerProcess::State::spawn_child(const TrainerCommand& command) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw_system_error(errno, "socketpair");
  const Descriptor trainers(ends[1]);
  channel.assign(ends[0]);
  id = spawn(command, trainers.get());
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, id, 0));
  if (descriptor < 0) {
    const int error = errno;
    kill_group();
    ::waitpid(id, nullptr, 0);
    throw_system_error(error, "pidfd_open");
  }
  process.assign(descriptor);
}

void TrainerProcess::State::wait_for_message() {
  channel.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->closed) return;
    for (int i = 0; i < kMessagesAtATime && self->channel.is_open(); ++i)
      if (!self->take_message()) break;
    if (!self->closed && self->channel.is_open()) self->wait_for_message();
  });
}

void TrainerProcess::State::wait_for_end() {
  process.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->closed) return;
    if (!self->reap()) return self->wait_for_end();
    for (int i = 0; i < kLastMessages && !self->closed && self->channel.is_open(); ++i)
      if (!self->take_message()) break;
    if (self->closed) return;
    self->close();
    if (self->handlers.ended) self->handlers.ended(self->end);
  });
}

// Of this child only, and only when it has ended. What it started goes with it: until it is reaped, no other group can
// have its number.
bool TrainerProcess::State::reap() {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(id), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0) return false;
  kill_group();
  int status = 0;
  if (::waitpid(id, &status, 0) == id) {
    end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  }
  return reaped = true;
}

bool TrainerProcess::State::take_message() {
  const ssize_t size = ::recv(channel.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (size < 0 && errno == EINTR) return true;
  if (size < 0 && errno == EAGAIN) return false;
  if (size < 0 || (size == 0 && has_hung_up(channel.native_handle()))) {
    boost::system::error_code ignored;
    channel.close(ignored);  // the process tells its end
    return false;
  }
  proto::TrainerMessage message;
  if (static_cast<size_t>(size) <= buffer.size() && from_json({buffer.data(), static_cast<size_t>(size)}, message))
    take(message);
  return true;
}

void TrainerProcess::State::take(const proto::TrainerMessage& message) {
  if (message.message_case() == proto::TrainerMessage::MESSAGE_NOT_SET) return;
  last_message = steady_clock::now();
  if (message.has_failure()) {
    end.failure = message.failure().reason();
  } else if (message.has_state()) {
    if (handlers.state) handlers.state(message.state());
  } else if (!std::exchange(is_prepared, true)) {
    if (handlers.prepared) handlers.prepared(message.prepared());
  }
}

// A full socket means that it reads no commands; then one more would not help.
void TrainerProcess::State::send(const proto::WorkerCommand& command) {
  if (!channel.is_open()) return;
  const std::string packet = to_json(command);
  PODIUM_CHECK(packet.size() <= kLargestTrainerMessage, "{} bytes", packet.size());
  ::send(channel.native_handle(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void TrainerProcess::State::close() {
  closed = true;
  boost::system::error_code ignored;
  channel.close(ignored);
  process.close(ignored);
}

TrainerProcess::TrainerProcess(boost::asio::io_context& io, const TrainerCommand& command, Handlers handlers)
    : state_(std::make_shared<State>(io, std::move(handlers))) {
  state_->spawn_child(command);
  state_->wait_for_message();
  state_->wait_for_end();
}

TrainerProcess::~TrainerProcess() {
  State& state = *state_;
  if (!state.reaped) {
    state.kill_group();
    pollfd end{state.process.native_handle(), POLLIN, 0};
    while (::poll(&end, 1, kReapDeadlineMilliseconds) < 0 && errno == EINTR) continue;
    state.reap();
  }
  if (!state.closed) state.close();
}

pid_t TrainerProcess::id() const { return state_->id; }

bool TrainerProcess::is_prepared() const { return state_->is_prepared; }

double TrainerProcess::silence_seconds() const {
  return std::chrono::duration<double>(steady_clock::now() - state_->last_message).count();
}

void TrainerProcess::start(const proto::StartTraining& start) {
  proto::WorkerCommand command;
  *command.mutable_start() = start;
  state_->send(command);
}

void TrainerProcess::stop(proto::Command::Kind kind) {
  proto::WorkerCommand command;
  command.set_stop(kind);
  state_->send(command);
}

void TrainerProcess::kill() {
  if (!state_->reaped) state_->kill_group();
}

}  // namespace podium
