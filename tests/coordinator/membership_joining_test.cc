// Dialogues with the membership, one a behaviour; transcript.h says how to read them. Who joins, and when a world
// forms.
#include <gtest/gtest.h>

#include "tests/coordinator/transcript.h"

namespace podium {
namespace {

TEST(Membership, AdmitsTheExpectedAndStartsOnceAllAreReady) {
  expect_dialogue(expecting(2), R"(
> 0 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
await 0 : worker 1 of 2 (not connected); worker 0 of 2: starting its trainer
> 0.1 ready 0 step=41
await 0 : worker 1 of 2 (not connected)
> 0.2 connect 1
admit 1
log worker 1 joined (podium-1 at 10.0.0.1)
await 0 1 : worker 1 of 2: starting its trainer
> 0.3 beat 1 preparing generation=0
await 0 1 : worker 1 of 2: reading the data
> 0.4 ready 1 step=41 set=AVX2
log generation 1: workers 0, 1 at step 41
start 1.1 0 1 (0 1, AVX2)
await 0 1
> 0.5 status
forming, generation 1, 2 of 2 workers, step 0
  podium-0 rank 0: forming, step 41, memory 41
  podium-1 rank 1: forming, step 41, memory 41
> 0.6 beat 0 training step=41
> 0.6 beat 1 training step=41
> 0.7 status
training, generation 1, 2 of 2 workers, step 41
  podium-0 rank 0: training, step 41, memory 41
  podium-1 rank 1: training, step 41, memory 41
)");
}

TEST(Membership, RefusesAnOrdinalThatIsNotExpected) {
  expect_dialogue(expecting(2), R"(
> 0 connect 5
refuse 5 : worker_count is 2: there is no worker 5
)");
}

TEST(Membership, RefusesAnotherRunImageOrSettings) {
  expect_dialogue(expecting(2), R"(
> 0 connect 0 run=other
refuse 0 : run_name differs: "other", here "run"
> 0 connect 0 image=v2
refuse 0 : the image's version differs: "v2", here "v1"
> 0 connect 0 settings=5e6f
refuse 0 : the hash of the settings differs: "5e6f", here "settings"
)");
}

TEST(Membership, RefusesASecondHolderOfAnOrdinalThatWasJustHeard) {
  expect_dialogue(expecting(3), R"(
> 0 connect 1
admit 1
log worker 1 joined (podium-1 at 10.0.0.1)
await 1 : workers 0, 2 of 3 (not connected); worker 1 of 3: starting its trainer
> 0.3 connect 1' uid=stranger
refuse 1' : ordinal 1 is held by uid1 at 10.0.0.1
> 0.4 ready 1
await 1 : workers 0, 2 of 3 (not connected)
)");
}

TEST(Membership, LetsTheSameWorkerConnectAnew) {
  expect_dialogue(expecting(3), R"(
> 0 connect 1
admit 1
log worker 1 joined (podium-1 at 10.0.0.1)
await 1 : workers 0, 2 of 3 (not connected); worker 1 of 3: starting its trainer
> 0.3 connect 1'
refuse 1 : worker 1 connected anew
log worker 1 connected anew
admit 1'
log worker 1 joined (podium-1 at 10.0.0.1)
await 1' : workers 0, 2 of 3 (not connected); worker 1 of 3: starting its trainer
> 0.4 disconnect 1 : too late
> 0.5 status
waiting, generation 0, 0 of 3 workers, step 0, awaits workers 0, 2 of 3 (not connected); worker 1 of 3: starting its trainer
  podium-1 rank -1: starting its trainer, step 0, memory -1
)");
}

TEST(Membership, ReplacesASilentHolderOfAnOrdinal) {
  expect_dialogue(expecting(2), R"(
> 0 train 2
> 4 beat 0 training step=1
> 4.1 connect 1' uid=new
refuse 1 : worker 1 was replaced after 4.1 s of silence
end 1.1 0 : worker 1 was replaced after 4.1 s of silence
log generation 1 ended: worker 1 was replaced after 4.1 s of silence
admit 1'
log worker 1 joined (podium-1 at 10.0.0.1)
await 0 1' : workers 0, 1 of 2: starting its trainer
)");
}

TEST(Membership, EndsTheWorldWhenAMemberConnectsAnew) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 connect 1'
refuse 1 : worker 1 connected anew
end 1.1 0 : worker 1 connected anew
log generation 1 ended: worker 1 connected anew
admit 1'
log worker 1 joined (podium-1 at 10.0.0.1)
await 0 1' : workers 0, 1 of 2: starting its trainer
)");
}

TEST(Membership, EndsATrainerThatMissedTheEndOfItsWorld) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 disconnect 1 : broken pipe
end 1.1 0 : worker 1 lost its connection: broken pipe
log generation 1 ended: worker 1 lost its connection: broken pipe
await 0 : worker 1 of 2 (not connected); worker 0 of 2: starting its trainer
> 1.5 connect 1'
admit 1'
log worker 1 joined (podium-1 at 10.0.0.1)
await 0 1' : workers 0, 1 of 2: starting its trainer
> 1.6 beat 1' training step=41 generation=1
end 1.1 1' : generation 1 is over
> 1.7 beat 1' training step=41 generation=1
> 1.8 ended 1' failed step=41
> 2 ready 0 step=41
await 0 1' : worker 1 of 2: starting its trainer
> 2 ready 1' step=41
log generation 2: workers 0, 1 at step 41
start 1.2 0 1' (0 1, AVX-512)
await 0 1'
)");
}

TEST(Membership, WaitsForAllWithinFormSeconds) {
  expect_dialogue(expecting(3), R"(
> 0 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
await 0 : workers 1, 2 of 3 (not connected); worker 0 of 3: starting its trainer
> 0 ready 0
await 0 : workers 1, 2 of 3 (not connected)
> 0 connect 1
admit 1
log worker 1 joined (podium-1 at 10.0.0.1)
await 0 1 : worker 2 of 3 (not connected); worker 1 of 3: starting its trainer
> 0 ready 1
await 0 1 : worker 2 of 3 (not connected)
> 9.5 wait
> 10 wait
10.0 log generation 1: workers 0, 1
10.0 start 1.1 0 1 (0 1, AVX-512)
10.0 await 0 1
)");
}

TEST(Membership, WaitsForMoreThanHalf) {
  expect_dialogue(expecting(4), R"(
> 0 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
await 0 : workers 1, 2, 3 of 4 (not connected); worker 0 of 4: starting its trainer
> 0 ready 0
await 0 : workers 1, 2, 3 of 4 (not connected)
> 0 connect 3
admit 3
log worker 3 joined (podium-3 at 10.0.0.3)
await 0 3 : workers 1, 2 of 4 (not connected); worker 3 of 4: starting its trainer
> 0 ready 3
await 0 3 : workers 1, 2 of 4 (not connected)
> 30 wait
> 30 connect 2
admit 2
log worker 2 joined (podium-2 at 10.0.0.2)
await 0 2 3 : worker 1 of 4 (not connected); worker 2 of 4: starting its trainer
> 30 ready 2
log generation 1: workers 0, 2, 3
start 1.1 0 2 3 (0 2 3, AVX-512)
await 0 2 3
)");
}

TEST(Membership, HonoursTheConfiguredMinimum) {
  expect_dialogue(with([](auto& o) { o.minimum_workers = 1; }, expecting(4)), R"(
> 0 connect 3
admit 3
log worker 3 joined (podium-3 at 10.0.0.3)
await 3 : workers 0, 1, 2 of 4 (not connected); worker 3 of 4: starting its trainer
> 0 ready 3
await 3 : workers 0, 1, 2 of 4 (not connected)
> 10 wait
10.0 log generation 1: worker 3
10.0 start 1.1 3 (3, AVX-512)
10.0 await 3
)");
}

TEST(Membership, WaitsForThoseThatPrepareAndGoesOnWithoutThemAfterFormSeconds) {
  expect_dialogue(expecting(3), R"(
> 0 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
await 0 : workers 1, 2 of 3 (not connected); worker 0 of 3: starting its trainer
> 0 connect 1
admit 1
log worker 1 joined (podium-1 at 10.0.0.1)
await 0 1 : worker 2 of 3 (not connected); workers 0, 1 of 3: starting its trainer
> 0 connect 2
admit 2
log worker 2 joined (podium-2 at 10.0.0.2)
await 0 1 2 : workers 0, 1, 2 of 3: starting its trainer
> 0 ready 0
await 0 1 2 : workers 1, 2 of 3: starting its trainer
> 0 ready 1
await 0 1 2 : worker 2 of 3: starting its trainer
> 0.1 beat 2 preparing generation=0
await 0 1 2 : worker 2 of 3: reading the data
> 12 wait
10.1 log generation 1: workers 0, 1
10.1 start 1.1 0 1 (0 1, AVX-512)
10.1 await 0 1 2
)");
}

TEST(Membership, LeavesOutAWorkerWhoseDataDiffer) {
  expect_dialogue(expecting(3), R"(
> 0 connect 0
admit 0
log worker 0 joined (podium-0 at 10.0.0.0)
await 0 : workers 1, 2 of 3 (not connected); worker 0 of 3: starting its trainer
> 0 connect 1
admit 1
log worker 1 joined (podium-1 at 10.0.0.1)
await 0 1 : worker 2 of 3 (not connected); workers 0, 1 of 3: starting its trainer
> 0 connect 2
admit 2
log worker 2 joined (podium-2 at 10.0.0.2)
await 0 1 2 : workers 0, 1, 2 of 3: starting its trainer
> 0 ready 1 data=5e6f5e6f5e6f
await 0 1 2 : workers 0, 2 of 3: starting its trainer
> 0 ready 0 data=1a2b1a2b1a2b
await 0 1 2 : worker 2 of 3: starting its trainer; worker 1: its data differ: 5e6f5e6f… here 1a2b1a2b…
> 0 ready 2 data=1a2b1a2b1a2b
await 0 1 2 : worker 1: its data differ: 5e6f5e6f… here 1a2b1a2b…
> 10 wait
10.0 log generation 1: workers 0, 2
10.0 start 1.1 0 2 (0 2, AVX-512)
> 10 beat 0 training
> 10 beat 2 training
> 10 status
training, generation 1, 2 of 3 workers, step 0, awaits worker 1: its data differ: 5e6f5e6f… here 1a2b1a2b…
  podium-0 rank 0: training, step 0, memory -1
  podium-1 rank -1: waiting: its data differ, step 0, memory -1
  podium-2 rank 1: training, step 0, memory -1
)");
}

TEST(Membership, ComparesDataWithTheLowestOrdinalThatIsReady) {
  expect_dialogue(expecting(3), R"(
> 0 connect 1
admit 1
log worker 1 joined (podium-1 at 10.0.0.1)
await 1 : workers 0, 2 of 3 (not connected); worker 1 of 3: starting its trainer
> 0 connect 2
admit 2
log worker 2 joined (podium-2 at 10.0.0.2)
await 1 2 : worker 0 of 3 (not connected); workers 1, 2 of 3: starting its trainer
> 0 ready 2 data=aa
await 1 2 : worker 0 of 3 (not connected); worker 1 of 3: starting its trainer
> 0 ready 1 data=bb
await 1 2 : worker 0 of 3 (not connected); worker 2: its data differ: aa here bb
)");
}

TEST(Membership, DoesNotYieldToAWorkerWhoseDataDiffer) {
  expect_dialogue(expecting(3), R"(
> 0 train 2
> 10 wait
10.0 log generation 1: workers 0, 1 at step 0
10.0 start 1.1 0 1 (0 1, AVX-512)
10.0 await 0 1
> 10 beat 0 training
> 10 beat 1 training
> 11 connect 2
admit 2
log worker 2 joined (podium-2 at 10.0.0.2)
> 11 ready 2 data=other
await 0 1 2 : worker 2: its data differ: other here 1a2b
)");
}

TEST(Membership, NamesManyMissingWorkersBriefly) {
  expect_dialogue(expecting(100), R"(
> 0 connect 3
admit 3
log worker 3 joined (podium-3 at 10.0.0.3)
await 3 : workers 0, 1, 2, 4, 5, 6, 7, 8 and 91 more of 100 (not connected); worker 3 of 100: starting its trainer
)");
}

}  // namespace
}  // namespace podium
