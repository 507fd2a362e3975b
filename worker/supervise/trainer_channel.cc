#include "worker/supervise/trainer_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "worker/base/error.h"

namespace podium {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kStateInterval{100};
constexpr std::chrono::seconds kFailureDeadline{5};
constexpr size_t kLongestText = 16 << 10;

struct Inherited {
  int descriptor = -1;
  pid_t parent = -1;
};

// "3:1234".
std::optional<Inherited> parse_inherited(std::string_view text) {
  Inherited result;
  const char* const end = text.data() + text.size();
  const auto [colon, error] = std::from_chars(text.data(), end, result.descriptor);
  if (error != std::errc() || colon == end || *colon != ':') return std::nullopt;
  const auto [rest, second_error] = std::from_chars(colon + 1, end, result.parent);
  if (second_error != std::errc() || rest != end || result.descriptor < 0) return std::nullopt;
  return result;
}

bool is_packet_socket(int descriptor) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

// Bytes of the UTF-8 sequence that `text` begins with; 0: it is none. (Overlong forms and surrogates pass for
// protobuf's check of strings too.)
size_t utf8_length(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text[0]);
  const size_t length = byte < 0x80 ? 1 : byte < 0xC2 ? 0 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : byte < 0xF5 ? 4 : 0;
  if (length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  return length;
}

// A protobuf string must be UTF-8, and a packet has an end.
std::string as_text(std::string_view text) {
  std::string result;
  while (!text.empty() && result.size() + 4 < kLongestText) {
    const size_t length = utf8_length(text);
    result += length == 0 ? "?" : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return text.empty() ? result : result + "…";
}

// A step goes through these many times a second; the next state will tell.
bool is_within_a_step(TrainerPhase phase) {
  return phase == TrainerPhase::kTraining || phase == TrainerPhase::kAllreduce;
}

double finite(double value) { return std::isfinite(value) ? value : 0; }  // JSON has no other

// True: gone out, or for ever impossible. False: the socket is full.
bool send_packet(int descriptor, const std::string& packet) {
  while (::send(descriptor, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    return errno != EAGAIN && errno != ENOBUFS;
  }
  return true;
}

}  // namespace

std::unique_ptr<WorkerLink> WorkerLink::from_environment() {
  const char* const value = std::getenv(kTrainerChannelVariable);
  if (value == nullptr) return nullptr;
  const std::string text = value;
  ::unsetenv(kTrainerChannelVariable);
  const std::optional<Inherited> inherited = parse_inherited(text);
  if (!inherited || !is_packet_socket(inherited->descriptor))
    throw Error("environment variable {}: found \"{}\", expected what a worker gives its trainer; unset it",
                kTrainerChannelVariable, as_text(text.substr(0, 100)));
  // A worker that died before this call left us to another parent, and no signal comes.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != inherited->parent) ::_exit(1);
  return std::make_unique<WorkerLink>(inherited->descriptor);
}

WorkerLink::WorkerLink(int descriptor) : descriptor_(descriptor), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  PODIUM_CHECK(wake_ >= 0, "errno {}", errno);
  ::fcntl(descriptor_, F_SETFD, FD_CLOEXEC);
  // No signal is ever delivered to the thread: the trainer's signals have one of their own.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

WorkerLink::~WorkerLink() {
  ending_ = true;
  wake();
  thread_.join();
  ::close(wake_);
  ::close(descriptor_);
}

void WorkerLink::prepared(const std::string& data_hash, const std::string& instruction_set) {
  send_now_or_later(
      nlohmann::json{{"prepared", {{"data_hash", data_hash}, {"instruction_set", instruction_set}}}}.dump());
}

void WorkerLink::failure(const std::string& reason) {
  send_now_or_later(nlohmann::json{{"failure", {{"reason", as_text(reason)}}}}.dump());
  // The process is about to end, and with it our thread.
  for (const auto deadline = steady_clock::now() + kFailureDeadline; steady_clock::now() < deadline;) {
    {
      const std::lock_guard lock(mutex_);
      if (send_waiting(lock)) return;
    }
    pollfd socket{descriptor_, POLLOUT, 0};
    ::poll(&socket, 1, 100);
  }
}

StartTraining WorkerLink::wait_for_start() {
  std::unique_lock lock(mutex_);
  started_.wait(lock, [this] { return start_.has_value(); });
  return *start_;
}

void WorkerLink::phase(TrainerPhase phase) {
  bool at_once = false;
  {
    const std::lock_guard lock(mutex_);
    at_once = phase != phase_ && !(is_within_a_step(phase) && is_within_a_step(phase_));
    phase_ = phase;
  }
  if (at_once) wake();
}

void WorkerLink::step(int64_t step, double loss, double tokens_per_second) {
  const std::lock_guard lock(mutex_);
  step_ = step;
  loss_ = loss;
  tokens_per_second_ = tokens_per_second;
}

std::optional<StopCommand> WorkerLink::stop() const {
  const int kind = stop_.load(std::memory_order_relaxed);
  return kind < 0 ? std::nullopt : std::optional(static_cast<StopCommand>(kind));
}

// ---- our thread

void WorkerLink::run() {
  std::string buffer(kLargestTrainerMessage, '\0');
  auto next_state = steady_clock::now();
  while (!ending_) {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next_state - steady_clock::now());
    pollfd events[] = {{descriptor_, static_cast<short>(has_waiting() ? POLLIN | POLLOUT : POLLIN), 0},
                       {wake_, POLLIN, 0}};
    ::poll(events, 2, static_cast<int>(std::max<int64_t>(wait.count(), 0)));
    if ((events[0].revents & ~POLLOUT) != 0) receive(buffer);
    uint64_t woken = 0;
    const bool at_once = ::read(wake_, &woken, sizeof woken) > 0;
    if (at_once || steady_clock::now() >= next_state) {
      send_state();
      next_state = steady_clock::now() + kStateInterval;
    }
  }
}

void WorkerLink::receive(std::string& buffer) {
  const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) ::_exit(1);  // the worker is gone
  if (static_cast<size_t>(size) > buffer.size()) return;
  // What is no command says nothing.
  if (auto command = parse_worker_command({buffer.data(), static_cast<size_t>(size)})) take(std::move(*command));
}

void WorkerLink::take(WorkerCommand command) {
  if (const auto* const stop = std::get_if<StopCommand>(&command)) {
    stop_.store(static_cast<int>(*stop), std::memory_order_relaxed);
    return;
  }
  const std::lock_guard lock(mutex_);
  start_ = std::get<StartTraining>(std::move(command));
  started_.notify_all();
}

void WorkerLink::send_state() {
  const std::lock_guard lock(mutex_);
  if (!send_waiting(lock)) return;
  send_packet(descriptor_, nlohmann::json{{"state",
                                           {{"phase", static_cast<int>(phase_)},
                                            {"step", step_},
                                            {"ticks", ticks_.load(std::memory_order_relaxed)},
                                            {"loss", finite(loss_)},
                                            {"tokens_per_second", finite(tokens_per_second_)}}}}
                               .dump());
}

// ---- either

void WorkerLink::send_now_or_later(std::string packet) {
  PODIUM_CHECK(packet.size() <= kLargestTrainerMessage, "{} bytes", packet.size());
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(packet));
  if (!send_waiting(lock)) wake();
}

bool WorkerLink::send_waiting(const std::lock_guard<std::mutex>&) {
  while (!waiting_.empty() && send_packet(descriptor_, waiting_.front())) waiting_.pop_front();
  return waiting_.empty();
}

bool WorkerLink::has_waiting() const {
  const std::lock_guard lock(mutex_);
  return !waiting_.empty();
}

void WorkerLink::wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
}

}  // namespace podium
