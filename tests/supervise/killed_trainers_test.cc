// Trainers and workers that are killed, one at a time and all at once, at named places and at random: the run must be
// the one that was never disturbed, bit for bit, and no finished step is lost.
#include <random>
#include <thread>

#include "tests/supervise/endless_runs.h"

namespace podium {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Not;

// Of a run that ends by itself.
void expect_undisturbed(const TinyRun& run) {
  const TinyRun undisturbed(run.options());
  ASSERT_EQ(undisturbed.train().end, exited(0));
  expect_same_training(run, undisturbed);
}

class Workers : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Counts, Workers, testing::Values(1, 2, 3, 5));

TEST_P(Workers, TrainTogetherToTheBitsOfOneTrainer) {
  const TinyRun run;
  WorkerPods pods(run, GetParam(), kQuick);
  pods.start_all();
  EXPECT_THAT(pods.wait_all(), Each(exited(0))) << pods.errors();
  expect_undisturbed(run);
  // Nothing is left over in memory.
  EXPECT_TRUE(!fs::exists(pods.memory_folder()) || fs::is_empty(pods.memory_folder()));
}

TEST(WorkersWithGroupsAndAnAverage, EndEarlyWithTheBitsOfOneTrainer) {
  std::vector<std::string> options = groups_and_average(1);
  options.push_back("--training.max_steps=2000");
  const TinyRun run(options);
  WorkerPods pods(run, 2, kQuick);
  pods.start_all();
  EXPECT_THAT(pods.wait_all(), Each(exited(0))) << pods.errors();
  EXPECT_LT(run.progress().step, 2000);
  expect_undisturbed(run);
}

struct Fault {
  std::string name;
  int step;  // where it strikes; 0: not in a step
};
struct Strike {
  Fault fault;
  int ordinal;
};
void PrintTo(const Strike& strike, std::ostream* out) { *out << strike.fault.name << " at worker " << strike.ordinal; }

// Every place at both workers; rank 0 alone commits snapshots.
std::vector<Strike> strikes() {
  std::vector<Strike> all = {{{"commit", 20}, 0}};
  for (const Fault& fault :
       {Fault{"forming", 0}, Fault{"restoring", 0}, Fault{"allreduce", 13}, Fault{"optimizer-begin", 13},
        Fault{"optimizer-end", 13}, Fault{"publish", 13}, Fault{"snapshot", 20}, Fault{"validation", 20}})
    for (int ordinal : {0, 1}) all.push_back({fault, ordinal});
  return all;
}

class KilledTrainer : public testing::TestWithParam<Strike> {};
INSTANTIATE_TEST_SUITE_P(At, KilledTrainer, testing::ValuesIn(strikes()), [](const auto& info) {
  std::string name = fmt::format("{}AtWorker{}", info.param.fault.name, info.param.ordinal);
  std::erase(name, '-');
  return name;
});

TEST_P(KilledTrainer, IsReplacedAndNoFinishedStepIsLost) {
  const auto& [fault, ordinal] = GetParam();
  const TinyRun run;
  WorkerPods pods(run, 2, kQuick);
  const std::string where = fault.step == 0 ? fmt::format("{} counter=1", fault.name)
                                            : fmt::format("{} counter=1 step={}", fault.name, fault.step);
  for (int i = 0; i < 2; ++i)
    pods.start(i, i == ordinal ? std::map<std::string, std::string>{{"PODIUM_FAULT", where}}
                               : std::map<std::string, std::string>{});
  EXPECT_THAT(pods.wait_all(), Each(exited(0))) << pods.errors();
  EXPECT_THAT(pods.errors(), HasSubstr(fmt::format("worker {} lost its trainer: killed by SIGKILL", ordinal)));
  // From memory: no step but the one under way is computed again; the last one is logged again.
  EXPECT_LE(run.steps_logged(), 62u);
  expect_undisturbed(run);
}

TEST(KilledTrainers, TenInARowAtRandomMomentsLeaveTheSameRun) {
  const TinyRun run(endless());
  WorkerPods pods(run, 2, kQuick);
  pods.start_all();
  std::mt19937 random(11);
  for (int kill = 0; kill < 10; ++kill) {
    ASSERT_TRUE(pods.wait_for_step(run.last_step() + 1 + static_cast<int64_t>(random() % 10))) << pods.errors();
    const int ordinal = static_cast<int>(random() % 2);
    if (const auto trainer = pods.trainer(ordinal)) ::kill(*trainer, SIGKILL);
  }
  ASSERT_TRUE(pods.wait_for_step(run.last_step() + 5)) << pods.errors();
  stop(pods, {0, 1});
  EXPECT_THAT(pods.errors(), Not(HasSubstr("communication peer")));  // Open MPI's pages about it
  EXPECT_LE(static_cast<int64_t>(run.steps_logged()), run.last_step() + 20);
  finish(run, pods, {0, 1});
}

// As a ConfigMap's that somebody applies while the run goes on.
TEST(KilledTrainer, StartsAgainWithTheSettingsThatItsWorkerStartedWith) {
  const TinyRun run(endless());
  WorkerPods pods(run, 2, kQuick);
  pods.start_all();
  ASSERT_TRUE(pods.wait_for_training(2)) << pods.errors();
  const std::string settings = read_file(run.folder() / "settings.yaml");
  write_file_atomically(run.folder() / "settings.yaml", settings + "optimizer: {beta1: 0.5}\n");
  const auto trainer = pods.trainer(1);
  ASSERT_TRUE(trainer);
  ::kill(*trainer, SIGKILL);
  ASSERT_TRUE(pods.wait_for_training(2, 2)) << pods.errors();
  // A standby was there already; the next one was started after the change.
  const auto second = pods.trainer(1);
  ASSERT_TRUE(second);
  ::kill(*second, SIGKILL);
  ASSERT_TRUE(pods.wait_for_training(2, 3)) << pods.errors();
  ASSERT_TRUE(pods.wait_for_step(run.last_step() + 5)) << pods.errors();
  stop(pods, {0, 1});
  write_file_atomically(run.folder() / "settings.yaml", settings);
  finish(run, pods, {0, 1});
}

class KilledWorker : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ordinals, KilledWorker, testing::Values(0, 1));

TEST_P(KilledWorker, AdoptsItsMemoryStateWhenItIsStartedAgain) {
  const TinyRun run(endless());
  WorkerPods pods(run, 2, kQuick);
  pods.start_all();
  for (int kill = 0; kill < 3; ++kill) {
    ASSERT_TRUE(pods.wait_for_step(run.last_step() + 5)) << pods.errors();
    pods[GetParam()].send(SIGKILL);
    EXPECT_EQ(pods[GetParam()].wait(), killed_by(SIGKILL));
    pods.start(GetParam());
  }
  ASSERT_TRUE(pods.wait_for_step(run.last_step() + 5)) << pods.errors();
  stop(pods, {0, 1});
  EXPECT_LE(static_cast<int64_t>(run.steps_logged()), run.last_step() + 6);
  finish(run, pods, {0, 1});
}

class AllKilled : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(MemoryVolumeKept, AllKilled, testing::Bool());

TEST_P(AllKilled, GoOnFromMemoryIfItIsThereElseFromTheNewestSnapshot) {
  const TinyRun run(endless());
  WorkerPods pods(run, 2, kQuick);
  pods.start_all();
  ASSERT_TRUE(pods.wait_for_step(33)) << pods.errors();
  for (int i = 0; i < 2; ++i) pods[i].send(SIGKILL);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(pods[i].wait(), killed_by(SIGKILL));
  const size_t before = run.steps_logged();
  const int64_t reached = run.last_step();
  if (!GetParam()) fs::remove_all(pods.memory_folder());
  pods.start_all();
  ASSERT_TRUE(pods.wait_for_step(reached + 5)) << pods.errors();
  stop(pods, {0, 1});
  const int64_t repeated =
      static_cast<int64_t>(run.steps_logged()) - static_cast<int64_t>(before) - (run.last_step() - reached);
  if (GetParam()) {
    EXPECT_LE(repeated, 2);
    EXPECT_THAT(pods[0].output(), HasSubstr("going on from the memory state"));
  } else {
    EXPECT_THAT(pods[0].output(), HasSubstr("going on from step-0000"));
  }
  finish(run, pods, {0, 1});
}

}  // namespace
}  // namespace podium
