// Workers that join, leave and are away for a while: the run is the same, bit for bit, whoever takes part in it.
#include "tests/supervise/endless_runs.h"

namespace podium {
namespace {

using testing::HasSubstr;
using testing::Not;

// A world that goes on from memory writes the last step's line once more: the rank that logs now may be another.
void expect_each_step_computed_once(const TinyRun& run, int64_t worlds) {
  EXPECT_EQ(static_cast<int64_t>(run.steps_logged()), run.last_step() + worlds - 1);
}

TEST(ChangingWorlds, AWorkerJoinsAndTwoLeaveWithoutAStepComputedTwice) {
  const TinyRun run(endless());
  WorkerPods pods(run, 3, kQuick);
  pods.start(0);
  pods.start(1);
  ASSERT_TRUE(pods.wait_for_training(2)) << pods.errors();
  ASSERT_TRUE(pods.wait_for_step(5)) << pods.errors();
  EXPECT_THAT(pods.errors(), HasSubstr("generation 1: workers 0, 1\n"));

  pods.start(2);
  ASSERT_TRUE(pods.wait_for_training(3, 2)) << pods.errors();
  ASSERT_TRUE(pods.wait_for_step(run.last_step() + 5)) << pods.errors();
  EXPECT_THAT(pods.errors(), HasSubstr("generation 1 is asked to yield: worker 2 can take part\n"));

  for (int i : {2, 1}) pods[i].send(SIGTERM);
  for (int i : {2, 1}) EXPECT_EQ(pods[i].wait(), exited(143)) << pods.errors();
  ASSERT_TRUE(pods.wait_for_training(1, 3)) << pods.errors();
  ASSERT_TRUE(pods.wait_for_step(run.last_step() + 5)) << pods.errors();
  const uint64_t worlds = pods.status()->generation().counter();

  stop(pods, {0});
  EXPECT_THAT(pods.errors(), Not(HasSubstr("lost")));
  expect_each_step_computed_once(run, static_cast<int64_t>(worlds));
  finish(run, pods, {0, 1, 2});
}

class StoppedWorker : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ordinals, StoppedWorker, testing::Values(0, 1));

// The worker and all below it, as a machine that sleeps.
TEST_P(StoppedWorker, IsReplacedAndComesBack) {
  const int ordinal = GetParam();
  const TinyRun run(endless());
  WorkerPods pods(run, 3, kQuick);
  pods.start_all();
  ASSERT_TRUE(pods.wait_for_training(3)) << pods.errors();
  ASSERT_TRUE(pods.wait_for_step(10)) << pods.errors();
  const uint64_t before = pods.status()->generation().counter();
  std::vector<pid_t> processes = pods.descendants(ordinal);
  processes.push_back(pods[ordinal].id());
  for (auto process = processes.rbegin(); process != processes.rend(); ++process) ::kill(*process, SIGSTOP);

  if (ordinal == 0) {  // nobody forms worlds meanwhile
    for (int i : {1, 2})
      ASSERT_TRUE(pods[i].wait_until([&] {
        return pods[i].errors().find(fmt::format("waiting for worker 0 of 3 at {}, 1 s", pods.address(0))) !=
               std::string::npos;
      })) << pods.errors();
  } else {
    ASSERT_TRUE(pods.wait_for_training(2, before + 1)) << pods.errors();
    ASSERT_TRUE(pods.wait_for_step(run.last_step() + 5)) << pods.errors();
  }
  for (pid_t process : processes) ::kill(process, SIGCONT);
  ASSERT_TRUE(pods.wait_for_training(3, before + 1)) << pods.errors();
  ASSERT_TRUE(pods.wait_for_step(run.last_step() + 5)) << pods.errors();
  // No step but the one under way is computed again, and the woken trainer computes none.
  const uint64_t worlds = pods.status()->generation().counter();
  stop(pods, {0, 1, 2});
  EXPECT_LE(static_cast<int64_t>(run.steps_logged()), run.last_step() + 2 * static_cast<int64_t>(worlds));
  if (ordinal != 0) {
    EXPECT_THAT(pods.errors(), HasSubstr(fmt::format("worker {} said nothing for 2", ordinal)));
  }
  finish(run, pods, {0, 1, 2});
}

}  // namespace
}  // namespace podium
