// What the tests of disturbed runs share: a run without a limit, that no machine is too fast for. The test disturbs it,
// stops it in order when it has seen enough, and finishes it a few steps later.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/running_processes.h"
#include "tests/worker_pods.h"

namespace podium {

// Validations every 20 steps and snapshots every 10, as TinyRun has them; none at the end of an epoch beside, so that a
// snapshot at any other step is that of a stop.
inline std::vector<std::string> run_of_steps(int64_t steps) {
  return {fmt::format("--training.max_steps={}", steps), "--validation.every_epochs=0", "--snapshots.every_epochs=0"};
}
inline std::vector<std::string> endless() { return run_of_steps(1'000'000); }
// Short waits, so that a test that loses a worker does not take long.
inline const std::vector<std::string> kQuick = {"--workers.form_seconds=2", "--workers.lost_seconds=2",
                                                "--workers.hang_seconds=2"};

inline void expect_undisturbed(const TinyRun& run, int64_t steps) {
  const TinyRun undisturbed(run.options());
  ASSERT_EQ(undisturbed.train({fmt::format("--training.max_steps={}", steps)}).end, exited(0));
  expect_same_training(run, undisturbed);
}

// The workers' last start, after all of them have ended: a few steps more, with these.
inline void finish(const TinyRun& run, WorkerPods& pods, const std::vector<int>& ordinals) {
  const int64_t steps = run.last_step() + 10;
  for (int ordinal : ordinals) pods.start(ordinal, {}, {fmt::format("--training.max_steps={}", steps)});
  for (int ordinal : ordinals) EXPECT_EQ(pods[ordinal].wait(), exited(0)) << pods.errors();
  expect_undisturbed(run, steps);
}

// These workers, all that are left, are told to go.
inline void stop(WorkerPods& pods, const std::vector<int>& ordinals) {
  for (int ordinal : ordinals) pods[ordinal].send(SIGTERM);
  for (int ordinal : ordinals) EXPECT_EQ(pods[ordinal].wait(), exited(143)) << pods.errors();
  EXPECT_THAT(running_processes(pods.memory_folder().string()), testing::IsEmpty());
}

inline void stop_and_finish(const TinyRun& run, WorkerPods& pods, const std::vector<int>& ordinals = {0, 1}) {
  stop(pods, ordinals);
  finish(run, pods, ordinals);
}

}  // namespace podium
