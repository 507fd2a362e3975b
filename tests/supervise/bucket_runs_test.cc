// Real workers whose snapshots go to a bucket, which is a folder elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/supervise/endless_runs.h"
#include "worker/snapshot/completion.h"
#include "worker/snapshot/epochs.h"
#include "worker/snapshot/snapshots.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

using testing::Each;
using testing::HasSubstr;

class RunsInBucket : public testing::Test {
 protected:
  std::string bucket_option() const { return fmt::format("--cloud_storage_bucket_name=file://{}", place().string()); }
  fs::path place() const { return far_.path() / "bucket"; }
  static std::string steps(int64_t count) { return fmt::format("--training.max_steps={}", count); }
  // As a pod that lost its disk.
  void lose_disk() const { fs::remove_all(run_.folder() / "snapshots"); }
  void run_all(const std::vector<std::string>& options) {
    for (int i : {0, 1}) pods_.start(i, {}, options);
    EXPECT_THAT(pods_.wait_all(), Each(exited(0))) << pods_.errors();
  }
  std::optional<Snapshot> newest_there() {
    LocalStore store(place() / "team");
    return SnapshotStore(store, "tiny", [](const std::string&) {}).newest_valid();
  }

  const TemporaryFolder far_;
  const TinyRun run_{run_of_steps(40)};
  WorkerPods pods_{run_, 2, {bucket_option(), "--cloud_storage_upload_folder=team/"}};
};

TEST_F(RunsInBucket, GoOnFromItWithoutADisk) {
  run_all({steps(20)});  // where a validation is due anyway
  ASSERT_TRUE(newest_there());
  EXPECT_EQ(newest_there()->manifest.step, 20u);
  lose_disk();
  run_all({steps(40)});
  EXPECT_THAT(pods_[0].errors(), HasSubstr("snapshot step-000020 was fetched from file://"));
  EXPECT_EQ(newest_there()->manifest.step, 40u);
  expect_undisturbed(run_, 40);
  // A finished run is not trained again, wherever it is looked for.
  lose_disk();
  const size_t logged = run_.steps_logged();
  for (int i : {0}) pods_.start(i, {}, {});
  EXPECT_EQ(pods_[0].wait(), exited(0)) << pods_.errors();
  EXPECT_THAT(pods_[0].output(), HasSubstr("run tiny is complete (step 40)"));
  EXPECT_EQ(run_.steps_logged(), logged);
}

// By BLEU, which is 0 all the time: the first stays the best.
TEST_F(RunsInBucket, GoOnFromTheBestOne) {
  const std::vector<std::string> options = {"--snapshots.best=bleu", "--snapshots.keep_last=0"};
  run_all({steps(40), options[0], options[1]});
  ASSERT_EQ(run_.progress().best_snapshot, "step-000020");
  for (bool has_disk : {true, false}) {
    if (!has_disk) lose_disk();
    run_all({steps(has_disk ? 45 : 50), options[0], options[1], "--snapshots.resume=best"});
    EXPECT_THAT(pods_[0].output(), HasSubstr("going on from step-000020 ")) << pods_.errors();
    const bool fetched = pods_[0].errors().find("snapshot step-000020 was fetched from") != std::string::npos;
    EXPECT_EQ(fetched, !has_disk);
    EXPECT_EQ(fs::read_symlink(run_.snapshots() / "best"), "step-000020");
  }
}

TEST_F(RunsInBucket, StopWithTheLastSnapshotThere) {
  for (int i : {0, 1}) pods_.start(i, {}, {steps(1'000'000), "--snapshots.every_steps=0"});
  ASSERT_TRUE(pods_.wait_for_step(5)) << pods_.errors();
  stop(pods_, {0, 1});
  ASSERT_TRUE(newest_there()) << pods_.errors();
  EXPECT_EQ(newest_there()->manifest.step, static_cast<uint64_t>(run_.last_step()));
}

TEST_F(RunsInBucket, TrainWithoutIt) {
  write_file_atomically(place(), "a file where a folder should be");
  for (int i : {0, 1}) pods_.start(i, {}, {steps(1'000'000)});
  ASSERT_TRUE(pods_.wait_for_step(25)) << pods_.errors();
  EXPECT_THAT(pods_[0].errors(), HasSubstr("is not there; snapshots stay in "));
  fs::remove(place());
  stop(pods_, {0, 1});
  ASSERT_TRUE(newest_there()) << pods_.errors();
  EXPECT_EQ(newest_there()->manifest.step, static_cast<uint64_t>(run_.last_step()));
}

TEST_F(RunsInBucket, DoNotStartWithoutOneThatIsRequired) {
  write_file_atomically(place(), "a file where a folder should be");
  pods_.start(0, {}, {"--snapshots.required=true"});
  EXPECT_EQ(pods_[0].wait(), exited(1));
  EXPECT_THAT(pods_[0].errors(), HasSubstr("(snapshots.required)"));
}

TEST_F(RunsInBucket, StopWhenAnotherCoordinatorRulesThere) {
  for (int i : {0, 1}) pods_.start(i, {}, {steps(1'000'000)});
  ASSERT_TRUE(pods_.wait_for_step(5)) << pods_.errors();
  LocalStore store(place() / "team");
  claim_epoch(store, "tiny", "another");
  EXPECT_EQ(pods_[0].wait(), exited(1));
  EXPECT_THAT(pods_[0].errors(), HasSubstr("another coordinator rules"));
  pods_[1].send(SIGTERM);
  EXPECT_EQ(pods_[1].wait(), exited(143));
}

}  // namespace
}  // namespace podium
