// A trainer in surroundings that fail it: the disk, the folder, its reader.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/tiny_run.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// `script` runs in a shell, with the trainer's words as "$@".
Process::Options in_shell(Process::Options options, const std::string& script) {
  const std::vector<std::string> shell = {"/bin/sh", "-c", script, "sh"};
  options.arguments.insert(options.arguments.begin(), shell.begin(), shell.end());
  options.environment["PATH"] = "/usr/bin:/bin";
  return options;
}

TEST(Trainer, NamesTheFolderThatIsNone) {
  TinyRun run;
  std::ofstream(run.folder() / "snapshots") << "not a folder";
  const Finished failed = run.train();
  EXPECT_EQ(failed.end, exited(1));
  EXPECT_THAT(failed.errors, AllOf(HasSubstr("trainer: "), HasSubstr("/snapshots"), HasSubstr("Not a directory")));
  EXPECT_EQ(run.steps_logged(), 0u);
}

// A bucket that is named but would get nothing is worse than an error.
TEST(Trainer, RefusesABucketThatItCannotWriteTo) {
  TinyRun run;
  const Finished failed = run.train({"--cloud_storage_bucket_name=my-models"});
  EXPECT_EQ(failed.end, exited(1));
  EXPECT_THAT(failed.errors, AllOf(HasSubstr("cloud_storage_bucket_name is my-models"), HasSubstr("leave it empty")));
  EXPECT_FALSE(fs::exists(run.folder() / "snapshots"));
}

// A file may not grow beyond 64 blocks of 512 bytes, which is as good as a full disk.
TEST(Trainer, NamesTheFileThatDoesNotFitTheDiskAndLeavesTheSnapshotsBefore) {
  TinyRun run;
  ASSERT_EQ(run.train({"--training.max_steps=20", "--snapshots.keep_last=0"}).end, exited(0));
  const std::vector<std::string> before = run.snapshot_names();
  const Finished failed = run_process(in_shell(run.trainer(), "ulimit -f 64; exec \"$@\""));
  EXPECT_EQ(failed.end, exited(1));
  EXPECT_THAT(failed.errors, AllOf(HasSubstr("trainer: "), HasSubstr("/step-000025/"), HasSubstr(": File too large")));
  EXPECT_EQ(run.snapshot_names(), before);
  EXPECT_TRUE(fs::is_empty(run.folder() / "snapshots" / ".writing"));
  ASSERT_EQ(run.train().end, exited(0));
  const TinyRun undisturbed;
  ASSERT_EQ(undisturbed.train().end, exited(0));
  expect_same_training(run, undisturbed);
}

TEST(Trainer, GoesOnWhenNobodyReadsWhatItSays) {
  const TinyRun undisturbed;
  ASSERT_EQ(undisturbed.train().end, exited(0));
  for (const char* script : {"{ \"$@\"; echo $? > code; } | head -n 1", "\"$@\" >&-; echo $? > code",
                             "\"$@\" <&- >&- 2>&-; echo $? > code"}) {
    TinyRun run;
    ASSERT_EQ(run_process(in_shell(run.trainer(), script)).end, exited(0));
    EXPECT_EQ(read_file(run.folder() / "code"), "0\n") << script;
    EXPECT_EQ(run.steps_logged(), 60u) << "something else was written into the step log";
    expect_same_training(run, undisturbed);
  }
}

}  // namespace
}  // namespace podium
