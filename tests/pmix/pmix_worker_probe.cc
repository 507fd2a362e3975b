// A worker in miniature: a PMIx server and a trainer, led by the test through the socket at its standard input.
// pmix_worker_probe PATH_OF_MPI_PROBE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <sstream>
#include <string_view>
#include <vector>

#include "tests/pmix/frames.h"
#include "worker/base/error.h"
#include "worker/pmix/pmix_server.h"

namespace podium {
namespace {

constexpr int kTest = STDIN_FILENO;

// Functions for the main thread, from any thread.
class Inbox {
 public:
  void post(std::function<void()> function) {
    std::lock_guard lock(mutex_);
    functions_.push_back(std::move(function));
    ::eventfd_write(descriptor_, 1);
  }
  void run() {
    eventfd_t ignored;
    ::eventfd_read(descriptor_, &ignored);
    std::unique_lock lock(mutex_);
    const auto functions = std::exchange(functions_, {});
    lock.unlock();
    for (const auto& function : functions) function();
  }
  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::mutex mutex_;
  std::vector<std::function<void()>> functions_;
};

class Worker {
 public:
  explicit Worker(std::string probe) : probe_(std::move(probe)) {}

  int run() {
    while (true) {
      pollfd polled[4] = {
          {kTest, POLLIN, 0}, {inbox_.descriptor(), POLLIN, 0}, {trainer_, POLLIN, 0}, {said_, POLLIN, 0}};
      if (::poll(polled, 4, 60'000) == 0) return 2;
      if (polled[1].revents != 0) inbox_.run();
      if (polled[3].revents != 0) read_output();
      if (polled[2].revents != 0) reap();
      if (polled[0].revents == 0) continue;
      const std::optional<Frame> frame = receive_frame(kTest);
      if (!frame) return 0;
      obey(*frame);
    }
  }

  ~Worker() {
    if (trainer_id_ > 0) ::kill(trainer_id_, SIGKILL);
  }

 private:
  void say(FrameType type, uint64_t a = 0, uint64_t b = 0, std::string data = "") {
    send_frame(kTest, {type, a, b, std::move(data)});
  }

  PmixServer::Handlers handlers() {
    return {[this](std::function<void()> function) { inbox_.post(std::move(function)); },
            [this](uint64_t sequence, std::string data) { say(FrameType::kFence, sequence, 0, std::move(data)); },
            [this](uint64_t id, uint32_t rank) { say(FrameType::kModex, id, rank); },
            [this](int status, std::string message) {
              say(FrameType::kAbort, static_cast<uint64_t>(status), 0, std::move(message));
            }};
  }

  void obey(const Frame& frame) {
    switch (frame.type) {
      case FrameType::kCreate:
        return create(frame.data);
      case FrameType::kEnter:
        return enter(frame);
      case FrameType::kFenceResult:
        return server_->fence_result(frame.a, frame.data);
      case FrameType::kModexRequest:
        return server_->modex_request(static_cast<uint32_t>(frame.b),
                                      [this, who = frame.a](bool found, std::string data) {
                                        say(FrameType::kModexAnswer, who, found, std::move(data));
                                      });
      case FrameType::kModexResult:
        return server_->modex_result(frame.a, frame.b != 0, frame.data);
      case FrameType::kEndTrainer:
        if (trainer_id_ > 0) ::kill(trainer_id_, SIGKILL);
        return;
      case FrameType::kLeave:
        server_->leave();
        return say(FrameType::kLeft);
      case FrameType::kStatus:
        return report();
      case FrameType::kDestroy:
        server_.reset();
        return say(FrameType::kLeft);
      default:
        std::abort();
    }
  }

  void create(const std::string& folder) {
    try {
      server_ = std::make_unique<PmixServer>(folder, handlers());
      say(FrameType::kCreated);
    } catch (const Error& error) {
      say(FrameType::kCreated, 0, 0, error.what());
    }
  }

  void enter(const Frame& frame) {
    std::istringstream lines(frame.data);
    PmixServer::World world;
    std::string mode, ports;
    std::getline(lines, world.name);
    std::getline(lines, world.network);
    lines >> world.first_port >> world.ports >> mode;
    world.rank = static_cast<uint32_t>(frame.a);
    world.size = static_cast<uint32_t>(frame.b);
    spawn(server_->enter(world), {probe_, std::to_string(world.rank), std::to_string(world.size), mode});
    say(FrameType::kStarted, static_cast<uint64_t>(trainer_id_));
  }

  void spawn(const std::map<std::string, std::string>& variables, std::vector<std::string> arguments) {
    std::vector<std::string> environment;
    for (const auto& [key, value] : variables) environment.push_back(key + "=" + value);
    // What a test adds to the trainer's.
    for (char** entry = environ; *entry != nullptr; ++entry)
      if (std::string_view(*entry).starts_with("OMPI_MCA_")) environment.push_back(*entry);
    std::vector<char*> argv, envp;
    for (std::string& text : arguments) argv.push_back(text.data());
    for (std::string& text : environment) envp.push_back(text.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    int output[2];
    PODIUM_CHECK(::pipe2(output, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    const int failure = ::posix_spawn(&trainer_id_, probe_.c_str(), &actions, nullptr, argv.data(), envp.data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(output[1]);
    PODIUM_CHECK(failure == 0, "{}: errno {}", probe_, failure);
    said_ = output[0];
    trainer_ = static_cast<int>(::syscall(SYS_pidfd_open, trainer_id_, 0));
  }

  void read_output() {
    char text[256];
    if (::read(said_, text, sizeof text) > 0) return say(FrameType::kTrainerSaid);
    ::close(said_);
    said_ = -1;
  }

  void reap() {
    int status = 0;
    ::waitpid(trainer_id_, &status, 0);
    ::close(trainer_);
    if (said_ >= 0) ::close(said_);
    trainer_ = said_ = trainer_id_ = -1;
    say(FrameType::kEnded, static_cast<uint64_t>(status));
  }

  void report() {
    const auto descriptors = std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    uint64_t pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    say(FrameType::kStatusIs, static_cast<uint64_t>(descriptors), resident * 4);
  }

  const std::string probe_;
  Inbox inbox_;
  std::unique_ptr<PmixServer> server_;
  pid_t trainer_id_ = -1;
  int trainer_ = -1;  // its process descriptor
  int said_ = -1;     // its standard output
};

}  // namespace
}  // namespace podium

int main(int, char** arguments) { return podium::Worker(arguments[1]).run(); }
