#include "worker/storage/temporary_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "tests/temporary_folder.h"
#include "worker/base/error.h"

namespace podium {
namespace {

size_t count_files(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// A process that dies by SIGKILL with a half-written temporary in `folder`.
void leave_abandoned_file(const fs::path& folder) {
  pid_t child = ::fork();
  if (child == 0) {
    TemporaryFile file(folder, folder / "target");
    file.write("half");
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST(TemporaryFile, LeavesNothingWhenItIsNotPublished) {
  TemporaryFolder folder;
  { TemporaryFile(folder.path(), folder.path() / "target").write("half"); }
  EXPECT_EQ(count_files(folder.path()), 0u);
}

TEST(TemporaryFile, OfADeadWriterIsRemovedAndThatOfALiveOneIsNot) {
  TemporaryFolder folder;
  leave_abandoned_file(folder.path());
  ASSERT_EQ(count_files(folder.path()), 1u);
  TemporaryFile live(folder.path(), folder.path() / "target");
  live.write("live");
  remove_abandoned(folder.path());
  EXPECT_EQ(count_files(folder.path()), 1u);
  EXPECT_TRUE(live.publish());
  EXPECT_EQ(read_file(folder.path() / "target"), "live");
}

TEST(TemporaryFile, OfAnotherHostIsRemovedOnlyWhenItIsOld) {
  TemporaryFolder folder;
  write_file_atomically(folder.path() / "elsewhere~1-1-1", "half");
  write_file_atomically(folder.path() / "elsewhere~1-1-2", "half");
  fs::last_write_time(folder.path() / "elsewhere~1-1-2", fs::file_time_type::clock::now() - std::chrono::hours(25));
  remove_abandoned(folder.path());
  EXPECT_TRUE(fs::exists(folder.path() / "elsewhere~1-1-1"));
  EXPECT_FALSE(fs::exists(folder.path() / "elsewhere~1-1-2"));
}

TEST(PublishByLink, MovesTheFileAndNeverReplaces) {
  TemporaryFolder folder;
  const fs::path from = folder.path() / "from", to = folder.path() / "to";
  int error_number = -1;
  write_file_atomically(from, "first");
  EXPECT_TRUE(publish_by_link(from, to, error_number));
  EXPECT_EQ(error_number, 0);
  EXPECT_FALSE(fs::exists(from));
  write_file_atomically(from, "second");
  EXPECT_FALSE(publish_by_link(from, to, error_number));
  EXPECT_EQ(error_number, 0);
  EXPECT_EQ(read_file(to), "first");
}

TEST(PublishByLink, TakesItsOwnRepeatedRequestForSuccess) {
  TemporaryFolder folder;
  const fs::path from = folder.path() / "from", to = folder.path() / "to";
  write_file_atomically(from, "content");
  fs::create_hard_link(from, to);
  int error_number = -1;
  EXPECT_TRUE(publish_by_link(from, to, error_number));
  EXPECT_FALSE(fs::exists(from));
  EXPECT_EQ(read_file(to), "content");
}

TEST(PublishByLink, ReportsTheErrorOfTheSystem) {
  TemporaryFolder folder;
  int error_number = 0;
  EXPECT_FALSE(publish_by_link(folder.path() / "absent", folder.path() / "to", error_number));
  EXPECT_EQ(error_number, ENOENT);
}

}  // namespace
}  // namespace podium
