// Dialogues with the membership, one a behaviour; transcript.h says how to read them. Workers and trainers that are
// lost or hang.
#include <gtest/gtest.h>

#include "tests/coordinator/transcript.h"

namespace podium {
namespace {

TEST(Membership, EndsAWorldThatDoesNotYield) {
  expect_dialogue(expecting(3), R"(
> 0 train 2
> 10 wait
10.0 log generation 1: workers 0, 1 at step 0
10.0 start 1.1 0 1 (0 1, AVX-512)
10.0 await 0 1
> 10 beat 0 training step=7
> 10 beat 1 training step=7
> 11 connect 2
admit 2
log worker 2 joined (podium-2 at 10.0.0.2)
> 11 ready 2
log generation 1 is asked to yield: worker 2 can take part
yield 1.1 0 1
> 11 ended 0 yielded step=8
> 42 wait
41.0 end 1.1 0 1 : it did not yield within 30 s (worker 2 can take part)
41.0 log generation 1 ended: it did not yield within 30 s (worker 2 can take part)
41.0 await 0 1 2 : workers 0, 1 of 3: starting its trainer
)");
}

TEST(Membership, CountsTheTimeToYieldOnlyWhereAStepCanEnd) {
  expect_dialogue(expecting(3), R"(
> 0 train 2
> 10 wait
10.0 log generation 1: workers 0, 1 at step 0
10.0 start 1.1 0 1 (0 1, AVX-512)
10.0 await 0 1
> 10 beat 0 snapshot step=7
> 10 beat 1 allreduce step=7
> 11 connect 2
admit 2
log worker 2 joined (podium-2 at 10.0.0.2)
> 11 ready 2
log generation 1 is asked to yield: worker 2 can take part
yield 1.1 0 1
> 60 wait
> 60 beat 0 training step=8
> 95 wait
90.0 end 1.1 0 1 : it did not yield within 30 s (worker 2 can take part)
90.0 log generation 1 ended: it did not yield within 30 s (worker 2 can take part)
90.0 await 0 1 2 : workers 0, 1 of 3: starting its trainer
)");
}

TEST(Membership, SaysWhyATrainerWasLostAndFormsAgain) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 ended 1 failed step=42 : killed by SIGKILL (out of memory?)
end 1.1 0 1 : worker 1 lost its trainer: killed by SIGKILL (out of memory?)
log generation 1 ended: worker 1 lost its trainer: killed by SIGKILL (out of memory?)
await 0 1 : workers 0, 1 of 2: starting its trainer
> 1 ended 0 failed step=42 generation=1 : ended by the worker
> 2 ready 1 step=42
await 0 1 : worker 0 of 2: starting its trainer
> 2.1 ready 0 step=42
log generation 2: workers 0, 1 at step 42
start 1.2 0 1 (0 1, AVX-512)
await 0 1
)");
}

TEST(Membership, EndsTheWorldOfALostConnectionAndFormsWithoutIt) {
  expect_dialogue(expecting(3), R"(
> 0 connect 2
admit 2
log worker 2 joined (podium-2 at 10.0.0.2)
await 2 : workers 0, 1 of 3 (not connected); worker 2 of 3: starting its trainer
> 0 ready 2
await 2 : workers 0, 1 of 3 (not connected)
> 0 train 2 step=41
> 1 disconnect 2 : connection reset
end 1.1 0 1 : worker 2 lost its connection: connection reset
log generation 1 ended: worker 2 lost its connection: connection reset
await 0 1 : worker 2 of 3 (not connected); workers 0, 1 of 3: starting its trainer
> 2 ready 0 step=42
await 0 1 : worker 2 of 3 (not connected); worker 1 of 3: starting its trainer
> 2 ready 1 step=42
await 0 1 : worker 2 of 3 (not connected)
> 2 status
waiting, generation 1, 0 of 3 workers, step 41, awaits worker 2 of 3 (not connected)
  podium-0 rank -1: waiting, step 0, memory 42
  podium-1 rank -1: waiting, step 0, memory 42
  podium-2 rank -1: lost, step 0, memory -1
> 11 wait
11.0 log generation 2: workers 0, 1 at step 42
11.0 start 1.2 0 1 (0 1, AVX-512)
11.0 await 0 1
)");
}

TEST(Membership, EndsTheWorldOfAWorkerThatSaysNothing) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 mute 1
> 5 wait
4.0 refuse 1 : worker 1 said nothing for 4 s
4.0 end 1.1 0 : worker 1 said nothing for 4 s
4.0 log generation 1 ended: worker 1 said nothing for 4 s
4.0 await 0 : worker 1 of 2 (not connected); worker 0 of 2: starting its trainer
)");
}

TEST(Membership, NamesAHungTrainer) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 beat 0 allreduce step=41
> 1 freeze 0
> 1 freeze 1
> 32 wait
30.0 end 1.1 0 1 : worker 1 made no progress for 30 s at step 41, phase training
30.0 log generation 1 ended: worker 1 made no progress for 30 s at step 41, phase training
30.0 await 0 1 : workers 0, 1 of 2: starting its trainer
)");
}

TEST(Membership, TakesAllreduceForWaitingUnlessAllWait) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 beat 0 allreduce step=41
> 1 freeze 0
> 40 wait
> 40 beat 1 allreduce step=41
> 40 freeze 1
> 75 wait
70.0 end 1.1 0 1 : no worker made progress for 30 s at step 41: all are in phase allreduce
70.0 log generation 1 ended: no worker made progress for 30 s at step 41: all are in phase allreduce
70.0 await 0 1 : workers 0, 1 of 2: starting its trainer
)");
}

TEST(Membership, LetsASnapshotTakeItsTime) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 beat 0 snapshot step=41
> 1 beat 1 allreduce step=41
> 1 freeze 0
> 1 freeze 1
> 300 wait
)");
}

TEST(Membership, LimitsValidationAndRestoring) {
  expect_dialogue(with([](auto& o) { o.hang_seconds = 3; }, expecting(2)), R"(
> 0 train 2 step=41
> 1 beat 0 validation step=41
> 1 freeze 0
> 5 wait
4.0 end 1.1 0 1 : worker 0 made no progress for 3 s at step 41, phase validation
4.0 log generation 1 ended: worker 0 made no progress for 3 s at step 41, phase validation
4.0 await 0 1 : workers 0, 1 of 2: starting its trainer
> 5 ready 0 step=41
await 0 1 : worker 1 of 2: starting its trainer
> 5 ready 1 step=41
log generation 2: workers 0, 1 at step 41
start 1.2 0 1 (0 1, AVX-512)
await 0 1
> 5 beat 0 training step=41
> 5 beat 1 restoring step=41
> 5 freeze 1
> 9 wait
8.0 end 1.2 0 1 : worker 1 made no progress for 3 s at step 41, phase restoring
8.0 log generation 2 ended: worker 1 made no progress for 3 s at step 41, phase restoring
8.0 await 0 1 : workers 0, 1 of 2: starting its trainer
)");
}

TEST(Membership, EndsAWorldThatDoesNotForm) {
  expect_dialogue(expecting(2), R"(
> 0 train 2
> 1 ended 0 failed : its first trainer
end 1.1 0 1 : worker 0 lost its trainer: its first trainer
log generation 1 ended: worker 0 lost its trainer: its first trainer
await 0 1 : workers 0, 1 of 2: starting its trainer
> 2 ready 0
await 0 1 : worker 1 of 2: starting its trainer
> 2 ready 1
log generation 2: workers 0, 1
start 1.2 0 1 (0 1, AVX-512)
await 0 1
> 2 beat 0 training
> 2 beat 1 forming
> 70 wait
62.0 end 1.2 0 1 : worker 1 did not get into MPI's world within 60 s
62.0 log generation 2 ended: worker 1 did not get into MPI's world within 60 s
62.0 await 0 1 : workers 0, 1 of 2: starting its trainer
)");
}

TEST(Membership, GivesUpAfterFailuresWithoutAStep) {
  expect_dialogue(with([](auto& o) { o.failures_in_a_row = 3; }, expecting(1)), R"(
> 0 train 1
> 1 beat 0 training step=5
> 1 ended 0 failed step=5 : exit code 1
end 1.1 0 : worker 0 lost its trainer: exit code 1
log generation 1 ended: worker 0 lost its trainer: exit code 1
await 0 : worker 0 of 1: starting its trainer
> 2 ready 0
log generation 2: worker 0
start 1.2 0 (0, AVX-512)
await 0
> 2 ended 0 failed step=5 : exit code 1
end 1.2 0 : worker 0 lost its trainer: exit code 1
log generation 2 ended: worker 0 lost its trainer: exit code 1
await 0 : worker 0 of 1: starting its trainer
> 3 ready 0
log generation 3: worker 0
start 1.3 0 (0, AVX-512)
await 0
> 3 beat 0 training step=6
> 3 ended 0 failed step=6 : exit code 1
end 1.3 0 : worker 0 lost its trainer: exit code 1
log generation 3 ended: worker 0 lost its trainer: exit code 1
await 0 : worker 0 of 1: starting its trainer
> 4 ready 0
log generation 4: worker 0
start 1.4 0 (0, AVX-512)
await 0
> 4 ended 0 failed step=6 : exit code 1
end 1.4 0 : worker 0 lost its trainer: exit code 1
log generation 4 ended: worker 0 lost its trainer: exit code 1
await 0 : worker 0 of 1: starting its trainer
> 5 ready 0
log generation 5: worker 0
start 1.5 0 (0, AVX-512)
await 0
> 5 ended 0 failed step=6 : exit code 2
end 1.5 0 : worker 0 lost its trainer: exit code 2
log generation 5 ended: worker 0 lost its trainer: exit code 2
await 0 : worker 0 of 1: starting its trainer
> 6 ready 0
log generation 6: worker 0
start 1.6 0 (0, AVX-512)
await 0
> 6 ended 0 failed step=6 : exit code 3
end 1.6 0 : worker 0 lost its trainer: exit code 3
log generation 6 ended: worker 0 lost its trainer: exit code 3
log the run has failed: worker 0 lost its trainer: exit code 3
failed 0 : worker 0 lost its trainer: exit code 3
> 6 status
stopped, generation 6, 0 of 1 workers, step 6
  podium-0 rank -1: told to end, step 0, memory 6
> 7 connect 0' uid=new
refuse 0 : worker 0 was told to end, and has a successor
admit 0'
log worker 0 joined (podium-0 at 10.0.0.0)
failed 0' : worker 0 lost its trainer: exit code 3
)");
}

TEST(Membership, DoesNotTakeATrainerThatDiedWhileItWaited) {
  expect_dialogue(expecting(2), R"(
> 0 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
await 0 : worker 1 of 2 (not connected); worker 0 of 2: starting its trainer
> 0 connect 1
admit 1
log worker 1 joined (podium-1 at 10.0.0.1)
await 0 1 : workers 0, 1 of 2: starting its trainer
> 0 ready 0
await 0 1 : worker 1 of 2: starting its trainer
> 1 ended 0 failed generation=0 : killed by SIGSEGV
await 0 1 : workers 0, 1 of 2: starting its trainer
> 2 ready 1
await 0 1 : worker 0 of 2: starting its trainer
> 3 ready 0
log generation 1: workers 0, 1
start 1.1 0 1 (0 1, AVX-512)
await 0 1
)");
}

TEST(Membership, DoesNotCountLostWorkersAsFailuresOfTheRun) {
  expect_dialogue(with([](auto& o) { o.failures_in_a_row = 1; }, expecting(1)), R"(
> 0 train 1
> 1 disconnect 0 : connection reset
log generation 1 ended: worker 0 lost its connection: connection reset
> 2 connect 0' uid=new
admit 0'
log worker 0 joined (podium-0 at 10.0.0.0)
await 0' : worker 0 of 1: starting its trainer
> 2 ready 0'
log generation 2: worker 0
start 1.2 0' (0, AVX-512)
await 0'
> 3 ended 0' failed : exit code 1
end 1.2 0' : worker 0 lost its trainer: exit code 1
log generation 2 ended: worker 0 lost its trainer: exit code 1
log the run has failed: worker 0 lost its trainer: exit code 1
failed 0' : worker 0 lost its trainer: exit code 1
)");
}

TEST(Membership, DoesNotCountKilledTrainersAsFailuresOfTheRun) {
  expect_dialogue(with([](auto& o) { o.failures_in_a_row = 2; }, expecting(2)), R"(
> 0 train 2
> 1 ended 1 killed : killed by SIGKILL
end 1.1 0 1 : worker 1 lost its trainer: killed by SIGKILL
log generation 1 ended: worker 1 lost its trainer: killed by SIGKILL
await 0 1 : workers 0, 1 of 2: starting its trainer
> 1 ended 0 failed generation=1 : generation 1 ended
> 2 ready 0
await 0 1 : worker 1 of 2: starting its trainer
> 2 ready 1
log generation 2: workers 0, 1
start 1.2 0 1 (0 1, AVX-512)
await 0 1
> 3 ended 0 failed : exit code 1
end 1.2 0 1 : worker 0 lost its trainer: exit code 1
log generation 2 ended: worker 0 lost its trainer: exit code 1
await 0 1 : workers 0, 1 of 2: starting its trainer
> 3 ended 1 killed generation=2 : killed by SIGKILL
> 4 ready 0
await 0 1 : worker 1 of 2: starting its trainer
> 4 ready 1
log generation 3: workers 0, 1
start 1.3 0 1 (0 1, AVX-512)
await 0 1
> 5 ended 0 failed : exit code 1
end 1.3 0 1 : worker 0 lost its trainer: exit code 1
log generation 3 ended: worker 0 lost its trainer: exit code 1
await 0 1 : workers 0, 1 of 2: starting its trainer
> 6 ready 0
await 0 1 : worker 1 of 2: starting its trainer
> 6 ready 1
log generation 4: workers 0, 1
start 1.4 0 1 (0 1, AVX-512)
await 0 1
> 7 ended 1 failed : exit code 1
end 1.4 0 1 : worker 1 lost its trainer: exit code 1
log generation 4 ended: worker 1 lost its trainer: exit code 1
log the run has failed: worker 1 lost its trainer: exit code 1
failed 0 1 : worker 1 lost its trainer: exit code 1
)");
}

TEST(Membership, GivesUpAfterManyWorldsWithoutAStepWhateverEndedThem) {
  expect_dialogue(with([](auto& o) { o.fruitless_in_a_row = 2; }, expecting(1)), R"(
> 0 train 1
> 1 beat 0 training step=5
> 1 ended 0 killed : killed by SIGKILL (out of memory?)
end 1.1 0 : worker 0 lost its trainer: killed by SIGKILL (out of memory?)
log generation 1 ended: worker 0 lost its trainer: killed by SIGKILL (out of memory?)
await 0 : worker 0 of 1: starting its trainer
> 2 ready 0
log generation 2: worker 0
start 1.2 0 (0, AVX-512)
await 0
> 2 ended 0 killed : killed by SIGKILL (out of memory?)
end 1.2 0 : worker 0 lost its trainer: killed by SIGKILL (out of memory?)
log generation 2 ended: worker 0 lost its trainer: killed by SIGKILL (out of memory?)
await 0 : worker 0 of 1: starting its trainer
> 3 ready 0
log generation 3: worker 0
start 1.3 0 (0, AVX-512)
await 0
> 3 ended 0 killed : killed by SIGKILL (out of memory?)
end 1.3 0 : worker 0 lost its trainer: killed by SIGKILL (out of memory?)
log generation 3 ended: worker 0 lost its trainer: killed by SIGKILL (out of memory?)
log the run has failed: 2 generations without a finished step; the last: worker 0 lost its trainer: killed by SIGKILL (out of memory?)
failed 0 : 2 generations without a finished step; the last: worker 0 lost its trainer: killed by SIGKILL (out of memory?)
)");
}

}  // namespace
}  // namespace podium
