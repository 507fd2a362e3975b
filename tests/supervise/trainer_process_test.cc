// Real child processes: a worker sees how they live and how they end, and leaves nothing of them behind.
#include "worker/supervise/trainer_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <set>
#include <thread>

#include "tests/slowdown.h"
#include "tests/temporary_folder.h"
#include "worker/base/error.h"
#include "worker/supervise/trainer_channel.h"

namespace podium {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::chrono::seconds kDeadline{60 * kSlowdown};

const std::string kProgram = PODIUM_BINARY_DIR "/fake_trainer";

TrainerCommand command(const std::string& words) { return {{kProgram}, {{"FAKE_TRAINER", words}, {"HOME", "/"}}}; }

template <typename Condition>
bool eventually(const Condition& condition) {
  for (const auto deadline = steady_clock::now() + kDeadline; steady_clock::now() < deadline;) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return false;
}

std::set<std::string> descriptors_of(const std::string& process) {
  std::set<std::string> result;
  for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", process)))
    result.insert(entry.path().filename().string());
  return result;
}

bool exists(pid_t process) { return ::kill(process, 0) == 0; }

bool has_children() { return ::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) == 0; }

// A trainer and all that was heard of it.
class Supervised {
 public:
  explicit Supervised(const TrainerCommand& command) {
    process.emplace(io, command,
                    TrainerProcess::Handlers{
                        .prepared = [this](const proto::Prepared& message) { prepared.push_back(message); },
                        .state = [this](const proto::TrainerState& state) { states.push_back(state); },
                        .ended = [this](const TrainerEnd& end) { ends.push_back(end); },
                    });
  }
  explicit Supervised(const std::string& words) : Supervised(command(words)) {}

  template <typename Condition>
  [[nodiscard]] bool run_until(const Condition& condition) {
    for (const auto deadline = steady_clock::now() + kDeadline; steady_clock::now() < deadline;) {
      if (condition()) return true;
      io.restart();
      io.run_one_for(milliseconds(20));
    }
    return false;
  }
  [[nodiscard]] bool run_until_prepared() {
    return run_until([&] { return process->is_prepared(); });
  }
  [[nodiscard]] bool run_until_step(int64_t step) {
    return run_until([&] { return !states.empty() && states.back().step() >= step; });
  }
  [[nodiscard]] bool run_until_end() {
    return run_until([&] { return !ends.empty(); });
  }
  static proto::StartTraining world_of_one() {
    proto::StartTraining start;
    start.mutable_generation()->set_counter(1);
    start.set_world_size(1);
    return start;
  }
  void start() { process->start(world_of_one()); }

  boost::asio::io_context io;
  std::optional<TrainerProcess> process;
  std::vector<proto::Prepared> prepared;
  std::vector<proto::TrainerState> states;
  std::vector<TrainerEnd> ends;
};

TEST(TrainerProcess, TellsOfPreparationStepsAndEnd) {
  Supervised trainer("steps=40");
  ASSERT_TRUE(trainer.run_until_prepared());
  EXPECT_EQ(trainer.prepared.at(0).data_hash(), "data");
  EXPECT_EQ(trainer.prepared.at(0).instruction_set(), "AVX2");
  proto::StartTraining start = trainer.world_of_one();
  (*start.mutable_environment())["FAKE_LOSS"] = "2.25";
  trainer.process->start(start);
  ASSERT_TRUE(trainer.run_until_step(1));
  EXPECT_EQ(trainer.states.back().phase(), proto::PHASE_TRAINING);
  EXPECT_EQ(trainer.states.back().loss(), 2.25);
  EXPECT_GT(trainer.states.back().ticks(), 0u);
  ASSERT_TRUE(trainer.run_until_end());
  EXPECT_EQ(trainer.ends.at(0).exit_code, 0);
  EXPECT_EQ(trainer.ends.at(0).signal, 0);
  EXPECT_EQ(trainer.prepared.size(), 1u);
}

TEST(TrainerProcess, PassesOnWhatTheTrainerIsToStopFor) {
  for (const auto& [kind, code] : {std::pair(proto::Command::YIELD, 75), std::pair(proto::Command::STOP, 76)}) {
    Supervised trainer("");
    ASSERT_TRUE(trainer.run_until_prepared());
    trainer.start();
    ASSERT_TRUE(trainer.run_until_step(3));
    trainer.process->stop(kind);
    ASSERT_TRUE(trainer.run_until_end());
    EXPECT_EQ(trainer.ends.at(0).exit_code, code);
  }
}

TEST(TrainerProcess, SaysHowItEnded) {
  auto end_of = [](const std::string& words) {
    Supervised trainer(words);
    EXPECT_TRUE(trainer.run_until_end());
    return trainer.ends.empty() ? "" : trainer.ends.at(0).text();
  };
  EXPECT_EQ(end_of("exit=3"), "exit code 3");
  EXPECT_EQ(end_of("fail exit=1"), "the data file is ? missing");
  EXPECT_THAT(end_of("long_failure exit=1"), testing::StartsWith("xxxxx"));
}

TEST(TrainerProcess, SaysWhichSignalKilledIt) {
  for (const auto& [signal, text] :
       {std::pair(SIGKILL, "killed by SIGKILL (out of memory?)"), std::pair(SIGTERM, "killed by SIGTERM")}) {
    Supervised trainer("");
    ASSERT_TRUE(trainer.run_until_prepared());
    ::kill(trainer.process->id(), signal);
    ASSERT_TRUE(trainer.run_until_end());
    EXPECT_EQ(trainer.ends.at(0).signal, signal);
    EXPECT_EQ(trainer.ends.at(0).text(), text);
  }
}

TEST(TrainerProcess, TellsItsEndOnceAndMayBeDestroyedThere) {
  boost::asio::io_context io;
  std::optional<TrainerProcess> process;
  int ends = 0;
  process.emplace(io, command("exit=1"),
                  TrainerProcess::Handlers{.prepared = {}, .state = {}, .ended = [&](const TrainerEnd&) {
                                             ++ends;
                                             process.reset();
                                           }});
  io.run_for(kDeadline);  // until nothing waits any more
  EXPECT_EQ(ends, 1);
  EXPECT_FALSE(process.has_value());
}

TEST(TrainerProcess, MayBeDestroyedInAnyHandler) {
  boost::asio::io_context io;
  std::optional<TrainerProcess> process;
  auto destroy = [&](const auto&) { process.reset(); };
  process.emplace(io, command(""), TrainerProcess::Handlers{.prepared = destroy, .state = {}, .ended = destroy});
  io.run_for(kDeadline);
  EXPECT_FALSE(process.has_value());
  EXPECT_FALSE(has_children());
}

TEST(TrainerProcess, GrowsSilentWhenItIsStopped) {
  Supervised trainer("");
  ASSERT_TRUE(trainer.run_until_prepared());
  ::kill(trainer.process->id(), SIGSTOP);
  ASSERT_TRUE(trainer.run_until([&] { return trainer.process->silence_seconds() > 1; }));
  ::kill(trainer.process->id(), SIGCONT);
  ASSERT_TRUE(trainer.run_until([&] { return trainer.process->silence_seconds() < 0.9; }));
  EXPECT_TRUE(trainer.ends.empty());
}

TEST(TrainerProcess, LeavesNothingWhenItIsDestroyed) {
  const auto before = descriptors_of("self");
  for (const bool stopped : {false, true}) {
    Supervised trainer("");
    ASSERT_TRUE(trainer.run_until_prepared());
    const pid_t id = trainer.process->id();
    if (stopped) ::kill(id, SIGSTOP);
    trainer.process.reset();
    EXPECT_FALSE(exists(id));
  }
  EXPECT_FALSE(has_children());
  EXPECT_EQ(descriptors_of("self"), before);
}

TEST(TrainerProcess, TakesGrandchildrenWithIt) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that the test may reap them
  for (const std::string how : {"killed", "ends itself"}) {
    const TemporaryFolder folder;
    const fs::path file = folder.path() / "grandchild";
    Supervised trainer(fmt::format("grandchild={} {}", file.string(), how == "killed" ? "" : "exit=0"));
    ASSERT_TRUE(trainer.run_until([&] { return fs::exists(file); }));
    const pid_t grandchild = std::stoi(read_file(file));
    if (how == "killed") {
      EXPECT_TRUE(exists(grandchild));
      trainer.process->kill();
    }
    ASSERT_TRUE(trainer.run_until_end());
    int status = 0;
    EXPECT_TRUE(eventually([&] { return ::waitpid(grandchild, &status, WNOHANG) == grandchild; })) << how;
    EXPECT_EQ(WTERMSIG(status), SIGKILL) << how;
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(TrainerProcess, DropsWhatItDoesNotUnderstand) {
  Supervised trainer("garbage steps=3");
  ASSERT_TRUE(trainer.run_until_prepared());
  trainer.start();
  ASSERT_TRUE(trainer.run_until_end());
  EXPECT_EQ(trainer.ends.at(0).text(), "exit code 0");
}

TEST(TrainerProcess, NamesAProgramThatIsMissing) {
  const auto before = descriptors_of("self");
  try {
    Supervised trainer(TrainerCommand{{"/nowhere/trainer"}, {}});
    FAIL() << "started";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "cannot start /nowhere/trainer: No such file or directory");
  }
  EXPECT_EQ(descriptors_of("self"), before);
}

TEST(TrainerProcess, CanBeStartedAgainAndAgain) {
  boost::asio::io_context io;
  const auto before = descriptors_of("self").size();
  for (int i = 0; i < 200; ++i) {
    std::optional<TrainerEnd> end;
    TrainerProcess process(io, command("exit=7"),
                           {.prepared = {}, .state = {}, .ended = [&](const TrainerEnd& e) { end = e; }});
    io.restart();
    io.run_for(kDeadline);
    ASSERT_TRUE(end.has_value());
    ASSERT_EQ(end->exit_code, 7);
  }
  EXPECT_LE(descriptors_of("self").size(), before + 4);  // the io_context's own
  EXPECT_FALSE(has_children());
}

TEST(TrainerProcess, GivesTheTrainerNoDescriptorOfTheWorker) {
  const int forgotten = ::open("/dev/null", O_RDONLY);  // without close-on-exec
  ASSERT_GE(::fcntl(forgotten, F_DUPFD, 40), 40);
  Supervised trainer("");
  // As it begins, before any of its own is open.
  EXPECT_TRUE(trainer.run_until_prepared());
  const std::string folder = fmt::format("/proc/{}/fd", trainer.process->id());
  const auto open = descriptors_of(std::to_string(trainer.process->id()));
  EXPECT_EQ(open.count("40"), 0u);
  int sockets = 0;
  for (const std::string& descriptor : open) {
    const std::string target = fs::read_symlink(fs::path(folder) / descriptor).string();
    if (std::stoi(descriptor) <= STDERR_FILENO) continue;
    if (target.starts_with("socket:"))
      ++sockets;
    else
      EXPECT_THAT(target, HasSubstr("eventfd"));
  }
  EXPECT_EQ(sockets, 1);
  for (int descriptor : {40, forgotten}) ::close(descriptor);
}

// ---- the trainer of a worker that is gone

// All its threads.
bool is_stopped(pid_t process) {
  for (const auto& thread : fs::directory_iterator(fmt::format("/proc/{}/task", process)))
    if (read_file(thread.path() / "stat").find(") T ") == std::string::npos) return false;
  return true;
}

class Orphan : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(TrainerProcess, Orphan, testing::Values("running", "stopped", "unprotected"),
                         [](const auto& info) { return info.param; });

TEST_P(Orphan, DiesWithItsWorker) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t worker = ::fork();
  if (worker == 0) {
    Supervised trainer(GetParam() == "unprotected" ? "unprotected" : "");
    if (!trainer.run_until_prepared()) ::_exit(1);
    const pid_t id = trainer.process->id();
    if (::write(ends[1], &id, sizeof id) != sizeof id) ::_exit(1);
    trainer.io.run();
    ::_exit(0);
  }
  pid_t trainer = -1;
  ASSERT_EQ(::read(ends[0], &trainer, sizeof trainer), static_cast<ssize_t>(sizeof trainer));
  if (GetParam() == "stopped") {
    ::kill(trainer, SIGSTOP);
    ASSERT_TRUE(eventually([&] { return is_stopped(trainer); }));
  }
  ::kill(worker, SIGKILL);
  int status = 0;
  EXPECT_EQ(::waitpid(worker, nullptr, 0), worker);
  EXPECT_TRUE(eventually([&] { return ::waitpid(trainer, &status, WNOHANG) == trainer; }));
  // By the kernel; and where that is not to be had, by itself.
  if (GetParam() == "unprotected") {
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
  } else if (GetParam() == "stopped") {
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  }
  for (int end : ends) ::close(end);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace podium
