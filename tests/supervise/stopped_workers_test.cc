// Workers that are told to stop, and trainers that are stopped: who is asked leaves in order, who hangs is replaced,
// and nothing stays behind.
#include <thread>

#include "tests/supervise/endless_runs.h"
#include "worker/snapshot/snapshots.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

using testing::Each;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr auto kPoll = std::chrono::milliseconds(2);

// A snapshot that verifies holds the last step that was computed.
void expect_saved(const TinyRun& run) {
  LocalStore store((run.folder() / "snapshots").string());
  SnapshotStore snapshots(store, "tiny", [](const std::string& text) { ADD_FAILURE() << text; });
  const std::optional<Snapshot> newest = snapshots.newest_valid();
  ASSERT_TRUE(newest);
  EXPECT_EQ(static_cast<int64_t>(newest->manifest.step), run.last_step());
  EXPECT_EQ(run.progress().step, run.last_step());
}

bool holds_nothing(const fs::path& folder) { return !fs::exists(folder) || fs::is_empty(folder); }

class OneOfThree : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ordinals, OneOfThree, testing::Values(0, 1));

TEST_P(OneOfThree, LeavesAfterTheStepAndTheOthersGoOn) {
  const int leaver = GetParam();
  const TinyRun run(endless());
  WorkerPods pods(run, 3, kQuick);
  pods.start_all();
  ASSERT_TRUE(pods.wait_for_training(3)) << pods.errors();
  ASSERT_TRUE(pods.wait_for_step(20)) << pods.errors();
  auto processes = [&] {
    return running_processes(fmt::format("{} --workers.ordinal={}", pods.memory_folder().string(), leaver));
  };
  EXPECT_THAT(processes(), SizeIs(Ge(2)));  // it and its trainer
  pods[leaver].send(SIGTERM);
  EXPECT_EQ(pods[leaver].wait(), exited(143)) << pods.errors();
  EXPECT_THAT(processes(), IsEmpty());
  for (const std::string& name : run.snapshot_names()) EXPECT_THAT(name, testing::EndsWith("0"));

  std::vector<int> rest = {0, 1, 2};
  if (leaver == 0) {
    pods.start(0);  // they keep their state and wait for it
    ASSERT_TRUE(pods.wait_for_training(3)) << pods.errors();
  } else {
    std::erase(rest, leaver);
    ASSERT_TRUE(pods.wait_for_training(2, 2)) << pods.errors();
  }
  ASSERT_TRUE(pods.wait_for_step(run.last_step() + 5)) << pods.errors();
  EXPECT_THAT(pods.errors(), HasSubstr(fmt::format("is asked to yield: worker {} leaves\n", leaver)));
  EXPECT_THAT(pods.errors(), Not(HasSubstr("lost its trainer")));
  stop_and_finish(run, pods, rest);
}

class AllAreTold : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(WithinMilliseconds, AllAreTold, testing::Values(0, 1000));

TEST_P(AllAreTold, SaveTheStepAndGoOnFromItLater) {
  const TinyRun run(endless());
  WorkerPods pods(run, 3, kQuick);
  pods.start_all();
  ASSERT_TRUE(pods.wait_for_training(3)) << pods.errors();
  ASSERT_TRUE(pods.wait_for_step(15)) << pods.errors();
  for (int i : {2, 0, 1}) {
    pods[i].send(SIGTERM);
    if (i != 1) std::this_thread::sleep_for(std::chrono::milliseconds(GetParam() / 2));
  }
  EXPECT_THAT(pods.wait_all(), Each(exited(143))) << pods.errors();
  EXPECT_THAT(running_processes(pods.memory_folder().string()), IsEmpty());
  EXPECT_TRUE(holds_nothing(pods.memory_folder())) << pods.errors();
  expect_saved(run);
  const std::string newest = run.snapshot_names().back();
  finish(run, pods, {0, 1, 2});
  EXPECT_THAT(pods[0].output(), HasSubstr(fmt::format("going on from {} ", newest)));
}

// `worker local`, as `make train` starts it.
class Local : public testing::Test {
 protected:
  std::unique_ptr<Process> start(const std::vector<std::string>& options = {}) const {
    Process::Options local = run_.trainer(options);
    local.arguments[0] = PODIUM_BINARY_DIR "/worker";
    local.arguments.insert(local.arguments.begin() + 1, {"local", "--workers", "2"});
    local.environment = {{"PATH", "/usr/bin:/bin"}, {"TMPDIR", temporary_.path().string()}};
    return std::make_unique<Process>(local);
  }
  bool wait_for_step(Process& local, int64_t step) const {
    return local.wait_until([&] {
      std::this_thread::sleep_for(kPoll);
      return run_.last_step() >= step;
    });
  }
  // Its workers and their trainers name a file in its temporary folder.
  std::vector<RunningProcess> processes() const { return running_processes(temporary_.path().string()); }
  // Those of worker 1.
  std::vector<pid_t> trainers() const {
    std::vector<pid_t> found;
    for (const auto& [id, command] : processes())
      if (command.find("/trainer ") != std::string::npos && command.find("--workers.ordinal=1") != std::string::npos)
        found.push_back(id);
    return found;
  }
  void expect_nothing_left() const {
    EXPECT_THAT(processes(), IsEmpty());
    EXPECT_TRUE(fs::is_empty(temporary_.path()));
  }
  void finish() const {
    const int64_t steps = run_.last_step() + 10;
    const auto local = start({fmt::format("--training.max_steps={}", steps)});
    EXPECT_EQ(local->wait(), exited(0)) << local->errors();
    expect_nothing_left();
    expect_undisturbed(run_, steps);
  }

  const TinyRun run_{endless()};
  const TemporaryFolder temporary_;
};

TEST_F(Local, SavesAtCtrlC) {
  const auto local = start();
  ASSERT_TRUE(wait_for_step(*local, 15)) << local->errors();
  local->send(SIGINT);
  EXPECT_EQ(local->wait(), exited(130)) << local->errors();
  expect_nothing_left();
  expect_saved(run_);
  finish();
}

TEST_F(Local, EndsAtOnceAtTheSecondSignal) {
  const auto local = start();
  ASSERT_TRUE(wait_for_step(*local, 15)) << local->errors();
  local->send(SIGTERM);
  local->send(SIGTERM);
  EXPECT_EQ(local->wait(), exited(143)) << local->errors();
  expect_nothing_left();
  finish();
}

TEST_F(Local, EndsAtTheSecondSignalThoughATrainerIsStopped) {
  const auto local = start();
  ASSERT_TRUE(wait_for_step(*local, 15)) << local->errors();
  for (pid_t trainer : trainers()) ::kill(trainer, SIGSTOP);
  local->send(SIGINT);
  ASSERT_TRUE(local->wait_until([&] { return local->errors().find("asked to stop") != std::string::npos; }))
      << local->errors();
  local->send(SIGTERM);
  EXPECT_EQ(local->wait(), exited(143)) << local->errors();
  expect_nothing_left();
  finish();
}

// The log names the one that was stopped: worker 0 in the first generation, worker 1 in the second.
void expect_named(const WorkerPods& pods) {
  for (int i : {0, 1})
    EXPECT_THAT(pods.errors(), HasSubstr(fmt::format("generation {} ended: worker {} lost its trainer: said nothing "
                                                     "for 2 s (stopped?)\n",
                                                     i + 1, i)));
}

TEST(StoppedTrainers, AreReplacedAndWakeToNothing) {
  const TinyRun run(endless());
  WorkerPods pods(run, 2, kQuick);
  pods.start_all();
  for (int i : {0, 1}) {
    ASSERT_TRUE(pods.wait_for_training(2, static_cast<uint64_t>(i) + 1)) << pods.errors();
    ASSERT_TRUE(pods.wait_for_step(run.last_step() + 5)) << pods.errors();
    const std::optional<pid_t> trainer = pods.trainer(i);
    ASSERT_TRUE(trainer);
    ASSERT_EQ(::kill(*trainer, SIGSTOP), 0);
    ASSERT_TRUE(pods.wait_for_training(2, static_cast<uint64_t>(i) + 2)) << pods.errors();
    EXPECT_NE(::kill(*trainer, SIGCONT), 0) << "it is still there";
  }
  ASSERT_TRUE(pods.wait_for_step(run.last_step() + 5)) << pods.errors();
  expect_named(pods);
  stop_and_finish(run, pods, {0, 1});
}

struct Place {
  std::string name;
  int first, second;  // the steps where worker 0's trainer stops, and worker 1's; 0: not in a step
};
void PrintTo(const Place& place, std::ostream* out) { *out << place.name; }

class TrainersStopped : public testing::TestWithParam<Place> {};
INSTANTIATE_TEST_SUITE_P(At, TrainersStopped,
                         testing::Values(Place{"forming", 0, 0}, Place{"restoring", 0, 0}, Place{"allreduce", 13, 33},
                                         Place{"validation", 20, 40}, Place{"snapshot", 20, 30}),
                         [](const auto& info) { return info.param.name; });

TEST_P(TrainersStopped, AreNamedAndReplaced) {
  const Place& place = GetParam();
  const TinyRun run(run_of_steps(60));
  WorkerPods pods(run, 2, kQuick);
  auto start = [&](int ordinal, int step) {
    const std::string where = step > 0 ? fmt::format(" step={}", step) : "";
    pods.start(ordinal,
               {{"PODIUM_FAULT", fmt::format("{} counter={} signal={}{}", place.name, ordinal + 1, SIGSTOP, where)}});
  };
  start(0, place.first);
  start(1, place.second);
  EXPECT_THAT(pods.wait_all(), Each(exited(0))) << pods.errors();
  expect_named(pods);
  EXPECT_LE(run.steps_logged(), 64u);
  expect_undisturbed(run, 60);
}

// deadline_minutes: a guard of what a run may cost, by the clock on the wall. It counts from the first start, so the
// deadline is set when the run trains: how long that takes on a busy machine does not matter.
TEST(Deadline, EndsTheRunWithASnapshotAndForGood) {
  const TinyRun run(endless());
  WorkerPods pods(run, 2);
  pods.start_all();
  ASSERT_TRUE(pods.wait_for_step(5)) << pods.errors();
  stop(pods, {0, 1});
  for (int i = 0; i < 2; ++i) pods.start(i, {}, {"--deadline_minutes=0.1"});
  EXPECT_THAT(pods.wait_all(), Each(exited(0))) << pods.errors();
  EXPECT_THAT(pods[1].errors(),
              HasSubstr("the run is over: deadline_minutes (0.1) since the run's first start are over"));
  const int64_t step = run.last_step();
  ASSERT_GT(step, 0);
  EXPECT_TRUE(fs::exists(run.snapshot(step) / "manifest.json"));
  EXPECT_TRUE(!fs::exists(pods.memory_folder()) || fs::is_empty(pods.memory_folder()));
  // A pod that is started again finds it over, the one that comes late too; raised, the run goes on where it was.
  pods.start(0, {}, {"--deadline_minutes=0.1"});
  ASSERT_TRUE(pods[0].wait_until([&] { return pods[0].errors().find("the run is over") != std::string::npos; }))
      << pods.errors();
  pods.start(1, {}, {"--deadline_minutes=0.1"});
  EXPECT_THAT(pods.wait_all(), Each(exited(0))) << pods.errors();
  EXPECT_EQ(run.last_step(), step);
  const std::string further = fmt::format("--training.max_steps={}", step + 10);
  for (int i = 0; i < 2; ++i) pods.start(i, {}, {"--deadline_minutes=600", further});
  EXPECT_THAT(pods.wait_all(), Each(exited(0))) << pods.errors();
  expect_undisturbed(run, step + 10);
}

}  // namespace
}  // namespace podium
