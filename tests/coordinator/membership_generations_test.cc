// Dialogues with the membership, one a behaviour; transcript.h says how to read them. From one world to the next, and
// the end of the run.
#include <gtest/gtest.h>

#include "tests/coordinator/transcript.h"

namespace podium {
namespace {

TEST(Membership, YieldsOnceToANewcomerAndFormsAgain) {
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
> 11.1 ready 2
log generation 1 is asked to yield: worker 2 can take part
yield 1.1 0 1
> 11.2 beat 2 waiting generation=0
> 11.3 ended 0 yielded step=8
> 11.3 status
ending, generation 1, 2 of 3 workers, step 7
  podium-0 rank -1: yielded, step 0, memory 8
  podium-1 rank 1: training, step 7, memory 7
  podium-2 rank -1: waiting, step 0, memory -1
> 11.4 ended 1 yielded step=8
log generation 1 ended: worker 2 can take part
await 0 1 2 : workers 0, 1 of 3: starting its trainer
> 11.5 ready 1 step=8
await 0 1 2 : worker 0 of 3: starting its trainer
> 11.6 ready 0 step=8
log generation 2: workers 0, 1, 2 at step 8
start 1.2 0 1 2 (0 1 2, AVX-512)
await 0 1 2
)");
}

TEST(Membership, EndsTheRunWhenAllHaveFinished) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 ended 0 finished step=42
> 1 status
ending, generation 1, 2 of 2 workers, step 41
  podium-0 rank -1: finished, step 0, memory 42
  podium-1 rank 1: training, step 41, memory 41
> 1.1 ended 1 finished step=42
log generation 1 ended: the run is finished
finished 0 1
> 2 status
finished, generation 1, 0 of 2 workers, step 41
  podium-0 rank -1: told to end, step 0, memory 42
  podium-1 rank -1: told to end, step 0, memory 42
> 3 connect 1'
refuse 1 : worker 1 connected anew
admit 1'
log worker 1 joined (podium-1 at 10.0.0.1)
finished 1'
> 4 connect 1'' settings=other
refuse 1'' : the hash of the settings differs: "other", here "settings"
)");
}

TEST(Membership, TakesTheFinishOfThoseThatAreStillThere) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 ended 0 finished step=42
> 1 disconnect 0 : gone
log worker 0 lost its connection: gone
> 2 ended 1 finished step=42
log generation 1 ended: the run is finished
finished 1
)");
}

TEST(Membership, GoesOnWhenOneFailsAfterAnotherHasFinished) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 ended 0 finished step=42
> 1 ended 1 failed step=42 : exit code 1
end 1.1 0 1 : worker 1 lost its trainer: exit code 1
log generation 1 ended: worker 1 lost its trainer: exit code 1
await 0 1 : workers 0, 1 of 2: starting its trainer
> 2 ready 0 step=42
await 0 1 : worker 1 of 2: starting its trainer
> 2 ready 1 step=42
log generation 2: workers 0, 1 at step 42
start 1.2 0 1 (0 1, AVX-512)
await 0 1
)");
}

TEST(Membership, EndsTheRunWhenAnotherCoordinatorRules) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 ended 1 superseded step=41 : epoch 3 is claimed
end 1.1 0 1 : the run is superseded by another coordinator: epoch 3 is claimed
log generation 1 ended: the run is superseded by another coordinator: epoch 3 is claimed
superseded 0 1 : epoch 3 is claimed
> 2 status
stopped, generation 1, 0 of 2 workers, step 41
  podium-0 rank -1: told to end, step 0, memory 41
  podium-1 rank -1: told to end, step 0, memory 41
> 2 connect 1'
refuse 1 : worker 1 connected anew
admit 1'
log worker 1 joined (podium-1 at 10.0.0.1)
superseded 1' : epoch 3 is claimed
)");
}

TEST(Membership, IgnoresWhatIsOfAnotherGeneration) {
  expect_dialogue(expecting(2), R"(
> 0 train 2 step=41
> 1 ended 0 failed generation=7 : of another life
> 1 beat 1 training step=99 generation=0
> 1 ready 0 step=41
> 1 status
training, generation 1, 2 of 2 workers, step 41
  podium-0 rank 0: training, step 41, memory 41
  podium-1 rank 1: training, step 41, memory 41
)");
}

TEST(Membership, DoesNotYieldWhileTheRunFinishes) {
  expect_dialogue(expecting(3), R"(
> 0 train 2
> 10 wait
10.0 log generation 1: workers 0, 1 at step 0
10.0 start 1.1 0 1 (0 1, AVX-512)
10.0 await 0 1
> 10 beat 0 finishing step=7
> 10 beat 1 finishing step=7
> 11 connect 2
admit 2
log worker 2 joined (podium-2 at 10.0.0.2)
> 11 ready 2
> 12 ended 0 finished step=7
> 12 ended 1 finished step=7
log generation 1 ended: the run is finished
finished 0 1 2
)");
}

}  // namespace
}  // namespace podium
