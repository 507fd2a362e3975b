// Dialogues with the membership, one a behaviour; transcript.h says how to read them. What only a cluster brings: pods
// that it tells of, a deadline, a store that was lost.
#include <gtest/gtest.h>

#include "tests/coordinator/transcript.h"

namespace podium {
namespace {

TEST(MembershipCluster, SaysHowThePodsAreThatAreMissing) {
  expect_dialogue(expecting(3), R"(
> 0 pod 1 : pod podium-1 is Pending
> 0 pod 2 : there is no pod podium-2 yet
> 1 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
await 0 : workers 1, 2 of 3 (not connected); pod podium-1 is Pending; there is no pod podium-2 yet; worker 0 of 3: starting its trainer
> 2 pod 1 uid=uid1 : pod podium-1 is Running
await 0 : workers 1, 2 of 3 (not connected); pod podium-1 is Running; there is no pod podium-2 yet; worker 0 of 3: starting its trainer
)");
}

TEST(MembershipCluster, LosesAWorkerWhosePodWasReplaced) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 pod 1 uid=new : pod podium-1 is Pending
refuse 1 : worker 1 was replaced: its pod is new now
end 1.1 0 : worker 1 was replaced: its pod is new now
log generation 1 ended: worker 1 was replaced: its pod is new now
await 0 : worker 1 of 2 (not connected); pod podium-1 is Pending; worker 0 of 2: starting its trainer
> 2 connect 1' uid=new
admit 1'
log worker 1 joined (podium-1 at 10.0.0.1)
await 0 1' : workers 0, 1 of 2: starting its trainer
)");
}

TEST(MembershipCluster, StopsForGoodWithASnapshotWhenItsDeadlineComes) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 deadline : an hour is over
log an hour is over
log generation 1 is asked to stop: an hour is over
stop 1.1 0 1
> 1 deadline : an hour is over
> 2 ended 0 stopped step=42
> 2 ended 1 stopped step=42
log generation 1 ended: it was stopped
log the run is over: an hour is over
expired 0 1 saved : an hour is over
> 3 disconnect 1 : end of stream
> 3 connect 1' uid=new
admit 1'
log worker 1 joined (podium-1 at 10.0.0.1)
expired 1' : an hour is over
)");
}

TEST(MembershipCluster, AtItsDeadlineWritesASnapshotOfWhatIsInMemory) {
  expect_dialogue(expecting(3), R"(
> 0 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
await 0 : workers 1, 2 of 3 (not connected); worker 0 of 3: starting its trainer
> 0 ready 0 step=7
await 0 : workers 1, 2 of 3 (not connected)
> 1 deadline : an hour is over
log an hour is over
log generation 1: worker 0 at step 7
start 1.1 0 (0, AVX-512)
log generation 1 is asked to stop: an hour is over
stop 1.1 0
await 0
> 2 ended 0 stopped step=7
log generation 1 ended: it was stopped
log the run is over: an hour is over
expired 0 saved : an hour is over
)");
}

TEST(MembershipCluster, EndsAtItsDeadlineThoughNobodyHasCome) {
  expect_dialogue(expecting(2), R"(
> 1 deadline : an hour is over
log an hour is over
log the run is over: an hour is over
> 2 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
expired 0 : an hour is over
)");
}

TEST(MembershipCluster, SaysThatTheLastSnapshotFailed) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 deadline : an hour is over
log an hour is over
log generation 1 is asked to stop: an hour is over
stop 1.1 0 1
> 2 ended 0 failed step=42 : the disk is full
end 1.1 0 1 : worker 0 lost its trainer: the disk is full
log generation 1 ended: worker 0 lost its trainer: the disk is full
log the run is over: an hour is over, but worker 0 lost its trainer: the disk is full
expired 0 1 : an hour is over, but worker 0 lost its trainer: the disk is full
)");
}

TEST(MembershipCluster, NumbersItsGenerationsAboveThoseOfALostStore) {
  expect_dialogue(expecting(2), R"(
> 0 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
await 0 : worker 1 of 2 (not connected); worker 0 of 2: starting its trainer
> 0 ready 0
await 0 : worker 1 of 2 (not connected)
> 0 connect 1 newest=1.3
admit 1
log worker 1 joined (podium-1 at 10.0.0.1)
await 0 1 : worker 1 of 2: starting its trainer
> 0 ready 1 step=5
log generation 1: workers 0, 1 at step 5
start 2.1 0 1 (0 1, AVX-512)
await 0 1
> 1 connect 1' newest=2.1
refuse 1 : worker 1 connected anew
end 2.1 0 : worker 1 connected anew
log generation 1 ended: worker 1 connected anew
admit 1'
log worker 1 joined (podium-1 at 10.0.0.1)
await 0 1' : workers 0, 1 of 2: starting its trainer
> 1 ready 0
await 0 1' : worker 1 of 2: starting its trainer
> 1 ready 1' step=5
log generation 2: workers 0, 1 at step 5
start 2.2 0 1' (0 1, AVX-512)
await 0 1'
)");
}

}  // namespace
}  // namespace podium
