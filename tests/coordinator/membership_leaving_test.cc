// Dialogues with the membership, one a behaviour; transcript.h says how to read them. Workers that leave, and fewer or
// more that are expected.
#include <gtest/gtest.h>

#include "tests/coordinator/transcript.h"

namespace podium {
namespace {

TEST(Membership, StopsWhenAllTrainersStopByThemselves) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 ended 0 stopped step=42
> 1 ended 1 stopped step=42
log generation 1 ended: its trainers stopped
log workers 0, 1 may go: its trainers stopped
stopped 0 1 saved : its trainers stopped
> 1 status
stopped, generation 1, 0 of 2 workers, step 41
  podium-0 rank -1: told to end, step 0, memory 42
  podium-1 rank -1: told to end, step 0, memory 42
)");
}

TEST(Membership, LetsSomeLeaveAtAStepBoundary) {
  expect_dialogue(expecting(3), R"(
> 0 connect 2
admit 2
log worker 2 joined (podium-2 at 10.0.0.2)
await 2 : workers 0, 1 of 3 (not connected); worker 2 of 3: starting its trainer
> 0 ready 2
await 2 : workers 0, 1 of 3 (not connected)
> 0 train 2 step=41
> 0 beat 2 training step=41
> 1 leave 2
log worker 2 wants to leave
> 2 wait
1.5 log generation 1 is asked to yield: worker 2 leaves
1.5 yield 1.1 0 1 2
> 2 ended 0 yielded step=42
> 2 ended 1 yielded step=42
> 2 ended 2 yielded step=42
log generation 1 ended: worker 2 leaves
log worker 2 may go: left
stopped 2 : left
await 0 1 : workers 0, 1 of 3: starting its trainer
> 2 disconnect 2 : end of stream
log worker 2 left
> 2.1 ready 0 step=42
await 0 1 : worker 1 of 3: starting its trainer
> 2.2 ready 1 step=42
log generation 2: workers 0, 1 at step 42
start 1.2 0 1 (0 1, AVX-512)
await 0 1
> 3 connect 2' uid=new
admit 2'
log worker 2 joined (podium-2 at 10.0.0.2)
> 3 ready 2'
log generation 2 is asked to yield: worker 2 can take part
yield 1.2 0 1
)");
}

TEST(Membership, StopsWithASnapshotWhenAllLeave) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 leave 0
log worker 0 wants to leave
> 1.2 leave 1
log worker 1 wants to leave
log generation 1 is asked to stop: all workers leave
stop 1.1 0 1
> 2 ended 0 stopped step=42
> 2.1 ended 1 stopped step=42
log generation 1 ended: it was stopped
log workers 0, 1 may go: all workers leave
stopped 0 1 saved : all workers leave
> 2.1 status
stopped, generation 1, 0 of 2 workers, step 41
  podium-0 rank -1: told to end, step 0, memory 42
  podium-1 rank -1: told to end, step 0, memory 42
> 3 disconnect 1 : end of stream
log worker 1 left
> 3 status
stopped, generation 1, 0 of 2 workers, step 41
  podium-0 rank -1: told to end, step 0, memory 42
  podium-1 rank -1: left, step 0, memory 42
)");
}

TEST(Membership, StopsInsteadOfYieldingWhenTheLastWantsToLeave) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 leave 0
log worker 0 wants to leave
> 2 wait
1.5 log generation 1 is asked to yield: worker 0 leaves
1.5 yield 1.1 0 1
> 2 leave 1
log worker 1 wants to leave
log generation 1 is asked to stop: all workers leave
stop 1.1 0 1
)");
}

TEST(Membership, SaysThatAStopFailed) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 leave 0
log worker 0 wants to leave
> 1 leave 1
log worker 1 wants to leave
log generation 1 is asked to stop: all workers leave
stop 1.1 0 1
> 2 ended 1 failed step=42 : killed by SIGKILL
end 1.1 0 1 : worker 1 lost its trainer: killed by SIGKILL
log generation 1 ended: worker 1 lost its trainer: killed by SIGKILL
log workers 0, 1 may go: all workers leave, but worker 1 lost its trainer: killed by SIGKILL
stopped 0 1 : all workers leave, but worker 1 lost its trainer: killed by SIGKILL
)");
}

TEST(Membership, WaitsForTheSnapshotOfAStopThoughAnotherFails) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 leave 0
log worker 0 wants to leave
> 1 leave 1
log worker 1 wants to leave
log generation 1 is asked to stop: all workers leave
stop 1.1 0 1
> 1 beat 0 snapshot step=42
> 2 ended 1 failed step=42 : killed by SIGKILL
log worker 1 lost its trainer: killed by SIGKILL
> 3 ended 0 stopped step=42
log generation 1 ended: worker 1 lost its trainer: killed by SIGKILL
log workers 0, 1 may go: all workers leave, but worker 1 lost its trainer: killed by SIGKILL
stopped 0 1 : all workers leave, but worker 1 lost its trainer: killed by SIGKILL
)");
}

TEST(Membership, ShowsATrainerThatWasKilledWhileAnotherSaves) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 leave 0
log worker 0 wants to leave
> 1 leave 1
log worker 1 wants to leave
log generation 1 is asked to stop: all workers leave
stop 1.1 0 1
> 1 beat 0 snapshot step=42
> 2 ended 1 killed step=42 : killed by SIGKILL
log worker 1 lost its trainer: killed by SIGKILL
> 2 status
ending, generation 1, 2 of 2 workers, step 42
  podium-0 rank 0: snapshot, step 42, memory 42
  podium-1 rank -1: killed, step 0, memory 42
)");
}

TEST(Membership, LetsLeaversGoAtOnceWhenThereIsNothingToSave) {
  expect_dialogue(expecting(3), R"(
> 0 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
await 0 : workers 1, 2 of 3 (not connected); worker 0 of 3: starting its trainer
> 0 connect 1
admit 1
log worker 1 joined (podium-1 at 10.0.0.1)
await 0 1 : worker 2 of 3 (not connected); workers 0, 1 of 3: starting its trainer
> 0 leave 1
log worker 1 wants to leave
log worker 1 may go: left
stopped 1 : left
await 0 : worker 2 of 3 (not connected); worker 0 of 3: starting its trainer
> 0 leave 0
log worker 0 wants to leave
log worker 0 may go: all workers leave
stopped 0 saved : all workers leave
)");
}

TEST(Membership, SavesAMemoryStateByOneLastGeneration) {
  expect_dialogue(expecting(3), R"(
> 0 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
await 0 : workers 1, 2 of 3 (not connected); worker 0 of 3: starting its trainer
> 0 ready 0 step=41
await 0 : workers 1, 2 of 3 (not connected)
> 0 leave 0
log worker 0 wants to leave
log generation 1: worker 0 at step 41
start 1.1 0 (0, AVX-512)
log generation 1 is asked to stop: all workers leave
stop 1.1 0
await 0
> 1 ended 0 stopped step=41
log generation 1 ended: it was stopped
log worker 0 may go: all workers leave
stopped 0 saved : all workers leave
)");
}

TEST(Membership, WaitsForTheTrainerThatCanSaveTheState) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 ended 0 yielded step=42
> 1 ended 1 yielded step=42
log generation 1 ended: its trainers yielded
await 0 1 : workers 0, 1 of 2: starting its trainer
> 1 leave 0
log worker 0 wants to leave
await 0 1 : worker 1 of 2: starting its trainer
> 1 leave 1
log worker 1 wants to leave
await 0 1
> 1.5 ready 0 step=42
log generation 2: worker 0 at step 42
start 1.2 0 (0, AVX-512)
log generation 2 is asked to stop: all workers leave
stop 1.2 0
> 2 ended 0 stopped step=42
log generation 2 ended: it was stopped
log workers 0, 1 may go: all workers leave
stopped 0 1 saved : all workers leave
)");
}

TEST(Membership, DoesNotWaitForeverForATrainerThatCanSaveTheState) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 ended 0 yielded step=42
> 1 ended 1 yielded step=42
log generation 1 ended: its trainers yielded
await 0 1 : workers 0, 1 of 2: starting its trainer
> 1 leave 0
log worker 0 wants to leave
await 0 1 : worker 1 of 2: starting its trainer
> 1 leave 1
log worker 1 wants to leave
await 0 1
> 12 wait
11.0 log workers 0, 1 may go: all workers leave
11.0 stopped 0 1 saved : all workers leave
)");
}

TEST(Membership, FormsWithoutOneThatLeftAndWaitsForOneThatWasLost) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 leave 1
log worker 1 wants to leave
> 1.1 disconnect 1 : end of stream
end 1.1 0 : worker 1 left
log generation 1 ended: worker 1 left
await 0 : worker 0 of 2: starting its trainer
> 1.2 ready 0 step=42
log generation 2: worker 0 at step 42
start 1.2 0 (0, AVX-512)
await 0
)");
}

TEST(Membership, TakesMoreWorkersInWhenTheyAreReady) {
  expect_dialogue(expecting(1), R"(
> 0 train 1
> 1 expect 2
log worker_count is now 2; it was 1
> 1 connect 1
admit 1
log worker 1 joined (podium-1 at 10.0.0.1)
> 2 ready 1
log generation 1 is asked to yield: worker 1 can take part
yield 1.1 0
)");
}

TEST(Membership, AsksOutWhoIsNoLongerExpected) {
  expect_dialogue(expecting(3), R"(
> 0 connect 2
admit 2
log worker 2 joined (podium-2 at 10.0.0.2)
await 2 : workers 0, 1 of 3 (not connected); worker 2 of 3: starting its trainer
> 0 ready 2
await 2 : workers 0, 1 of 3 (not connected)
> 0 train 2 step=41
> 0 beat 2 training step=41
> 1 expect 2
log worker_count is now 2; it was 3
log generation 1 is asked to yield: worker_count is now 2
yield 1.1 0 1 2
> 2 ended 0 yielded step=42
> 2 ended 1 yielded step=42
> 2 ended 2 yielded step=42
log generation 1 ended: worker_count is now 2
log worker 2 may go: worker_count is now 2
stopped 2 : worker_count is now 2
await 0 1 : workers 0, 1 of 2: starting its trainer
> 3 ready 0 step=42
await 0 1 : worker 1 of 2: starting its trainer
> 3 ready 1 step=42
log generation 2: workers 0, 1 at step 42
start 1.2 0 1 (0 1, AVX-512)
await 0 1
> 3 disconnect 2 : end of stream
log worker 2 left
> 3 connect 2'
refuse 2' : worker_count is 2: there is no worker 2
)");
}

TEST(Membership, AsksOutAtOnceWhoDoesNotTrain) {
  expect_dialogue(expecting(3), R"(
> 0 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
await 0 : workers 1, 2 of 3 (not connected); worker 0 of 3: starting its trainer
> 0 connect 2
admit 2
log worker 2 joined (podium-2 at 10.0.0.2)
await 0 2 : worker 1 of 3 (not connected); workers 0, 2 of 3: starting its trainer
> 1 expect 1
log worker_count is now 1; it was 3
log worker 2 may go: worker_count is now 1
stopped 2 : worker_count is now 1
await 0 : worker 0 of 1: starting its trainer
> 1 ready 0
log generation 1: worker 0
start 1.1 0 (0, AVX-512)
await 0
)");
}

TEST(Membership, GoesOnWithANewcomerAfterTheOthersWereStopped) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 leave 0
log worker 0 wants to leave
> 1 leave 1
log worker 1 wants to leave
log generation 1 is asked to stop: all workers leave
stop 1.1 0 1
> 2 ended 1 stopped step=42
> 2 disconnect 1 : end of stream
log worker 1 left
> 3 connect 1' uid=new
admit 1'
log worker 1 joined (podium-1 at 10.0.0.1)
> 4 ended 0 stopped step=42
log generation 1 ended: it was stopped
log worker 0 may go: all workers leave
stopped 0 saved : all workers leave
await 1' : worker 1 of 2: starting its trainer
> 5 ready 1' step=42
log generation 2: worker 1 at step 42
start 1.2 1' (1, AVX-512)
await 1'
)");
}

}  // namespace
}  // namespace podium
