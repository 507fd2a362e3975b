#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pmix/cluster.h"
#include "tests/pmix/mpi_probe.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::SizeIs;

const ProcessEnd kFine = exited(0);
const ProcessEnd kKilled = killed_by(SIGKILL);

TEST(PmixServer, WhenATrainerIsKilledTheOthersAreEndedAndTheNextWorldWorks) {
  Cluster cluster({.workers = 3});
  Cluster::WorldOptions options{.mode = "announce-and-hang"};
  options.when_all_spoke = [&] { ::kill(cluster.trainer(1), SIGKILL); };
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(cluster.run_world(3, options), Each(kKilled)) << cluster.errors();
    EXPECT_THAT(cluster.run_world(3), Each(kFine)) << cluster.errors();
  }
}

TEST(PmixServer, ATrainerThatExitsWithoutFinalizeEndsItsWorldAlone) {
  Cluster cluster({.workers = 2});
  EXPECT_THAT(cluster.run_world(2, {.mode = "exit"}), ElementsAre(kKilled, exited(kExitWithoutFinalize)));
  EXPECT_THAT(cluster.aborts(), ElementsAre());
  EXPECT_THAT(cluster.run_world(2), Each(kFine)) << cluster.errors();
}

TEST(PmixServer, AnMpiAbortReachesTheOwnerWithItsStatus) {
  Cluster cluster({.workers = 2});
  EXPECT_THAT(cluster.run_world(2, {.mode = "abort"}), ElementsAre(kKilled, exited(kAborted))) << cluster.errors();
  EXPECT_THAT(cluster.aborts(), ElementsAre(kAborted));
  EXPECT_THAT(cluster.run_world(2), Each(kFine)) << cluster.errors();
}

TEST(PmixServer, AFenceThatIsNeverAnsweredGoesWithItsWorld) {
  Cluster cluster({.workers = 2});
  for (int i = 0; i < 3; ++i) {
    Cluster::WorldOptions options{.drop_fences = true};
    // Both trainers sit in the fence of MPI_Init.
    options.when_all_fenced = [&] { ::kill(cluster.trainer(0), SIGKILL); };
    EXPECT_THAT(cluster.run_world(2, options), Each(kKilled)) << cluster.errors();
    EXPECT_THAT(cluster.run_world(2), Each(kFine)) << cluster.errors();
  }
}

TEST(PmixServer, WhatTheFenceDidNotCollectTrainersFetchFromEachOther) {
  Cluster::Options options{.workers = 3};
  options.environment["OMPI_MCA_pmix_base_collect_data"] = "0";
  Cluster cluster(options);
  for (int i = 0; i < 2; ++i) EXPECT_THAT(cluster.run_world(3), Each(kFine)) << cluster.errors();
  EXPECT_GT(cluster.modex_requests(), 0);
}

TEST(PmixServer, ATrainerThatPublishesNothingIsNotFoundAtTheDeadline) {
  Cluster cluster({.workers = 1});
  cluster.ask(0, {FrameType::kEnter, 0, 2, "podium-1-1\n127.0.0.1/32\n0 0 hang-before\n"}, FrameType::kStarted);
  const Frame answer = cluster.ask(0, {FrameType::kModexRequest, 7, 0}, FrameType::kModexAnswer);
  EXPECT_EQ(answer.a, 7u);
  EXPECT_EQ(answer.b, 0u) << "found";
  cluster.ask(0, {FrameType::kEndTrainer}, FrameType::kEnded);
  cluster.ask(0, {FrameType::kLeave}, FrameType::kLeft);
  EXPECT_THAT(cluster.run_world(1), ElementsAre(kFine)) << cluster.errors();
}

TEST(PmixServer, AQuestionForARankOfAnotherPodIsNotFound) {
  Cluster cluster({.workers = 1});
  cluster.ask(0, {FrameType::kEnter, 0, 2, "podium-1-1\n127.0.0.1/32\n0 0 hang-before\n"}, FrameType::kStarted);
  for (uint64_t rank : {uint64_t{1}, uint64_t{2}, uint64_t{4'000'000'000}})
    EXPECT_EQ(cluster.ask(0, {FrameType::kModexRequest, 0, rank}, FrameType::kModexAnswer).b, 0u);
}

TEST(PmixServer, AQuestionOpenWhenTheWorldIsLeftIsAnswered) {
  Cluster cluster({.workers = 1});
  cluster.ask(0, {FrameType::kEnter, 0, 2, "podium-1-1\n127.0.0.1/32\n0 0 hang-before\n"}, FrameType::kStarted);
  cluster.tell(0, {FrameType::kModexRequest, 7, 0});
  cluster.ask(0, {FrameType::kEndTrainer}, FrameType::kEnded);
  // The answer may come before or after the acknowledgement.
  EXPECT_EQ(cluster.ask(0, {FrameType::kLeave}, FrameType::kModexAnswer).b, 0u);
}

TEST(PmixServer, AnswersToQuestionsThatNobodyAskedAreIgnored) {
  Cluster cluster({.workers = 2});
  for (int worker = 0; worker < 2; ++worker) {
    cluster.tell(worker, {FrameType::kFenceResult, 5, 0, "stray"});
    cluster.tell(worker, {FrameType::kModexResult, 1, 1, "stray"});
  }
  EXPECT_THAT(cluster.run_world(2), Each(kFine)) << cluster.errors();
}

// Without its environment Open MPI looks for ssh, or makes a world of one: a trainer must notice either.
TEST(PmixServer, AProgramWithoutTheEnvironmentDoesNotPassForATrainer) {
  const TemporaryFolder folder;
  Process::Options options{.arguments = {fs::path(PODIUM_BINARY_DIR) / "mpi_probe", "0", "2"},
                           .environment = {{"HOME", "/"}, {"TMPDIR", folder.path()}}};
  EXPECT_NE(run_process(options).end, exited(0));
  options.environment["OMPI_MCA_ess_singleton_isolated"] = "1";
  const Finished alone = run_process(options);
  EXPECT_EQ(alone.end, exited(kWrongWorld)) << alone.errors;
}

}  // namespace
}  // namespace podium
