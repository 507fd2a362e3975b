#include "worker/storage/local_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/base/hash.h"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string contents(LocalStore& store, const std::string& name) {
  return read_object(store, name, 1 << 24).value_or("(absent)");
}

TEST(LocalStore, GivesBackWhatItWasGiven) {
  TemporaryFolder folder;
  LocalStore store(folder.path() / "not" / "there" / "yet");
  const std::string large(2'500'000, 'x');
  std::optional<ObjectInfo> info = store.create_if_absent("run/step/file", MemorySource("head ", {large}));
  ASSERT_TRUE(info);
  EXPECT_EQ(*info, (ObjectInfo{5 + large.size(), crc32c(large.data(), large.size(), crc32c("head ", 5))}));
  EXPECT_EQ(store.stat("run/step/file"), info);
  EXPECT_TRUE(contents(store, "run/step/file") == "head " + large);
  EXPECT_TRUE(read_file(*store.local_path("run/step/file")) == "head " + large);
}

TEST(LocalStore, ReadsARangeCutAtTheEnd) {
  TemporaryFolder folder;
  LocalStore store(folder.path());
  store.create_if_absent("file", MemorySource("0123456789"));
  auto range = [&](ByteRange range) {
    std::string bytes;
    EXPECT_TRUE(store.read("file", range, [&](std::string_view piece) { bytes += piece; }));
    return bytes;
  };
  EXPECT_EQ(range({3, 4}), "3456");
  EXPECT_EQ(range({8, 100}), "89");
  EXPECT_EQ(range({8, UINT64_MAX}), "89");
  EXPECT_EQ(range({UINT64_MAX, UINT64_MAX}), "");
}

TEST(LocalStore, NeverOverwrites) {
  TemporaryFolder folder;
  LocalStore store(folder.path());
  ASSERT_TRUE(store.create_if_absent("file", MemorySource("first")));
  EXPECT_FALSE(store.create_if_absent("file", MemorySource("second")));
  EXPECT_EQ(contents(store, "file"), "first");
}

TEST(LocalStore, LetsOneOfManyWritersWin) {
  TemporaryFolder folder;
  for (int round = 0; round < 20; ++round) {
    const std::string name = fmt::format("folder/object-{}", round);
    std::atomic<int> winner{-1}, winners{0};
    std::vector<std::thread> writers;
    for (int i = 0; i < 4; ++i)
      writers.emplace_back([&, i] {
        LocalStore store(folder.path());
        if (!store.create_if_absent(name, MemorySource(std::to_string(i)))) return;
        ++winners;
        winner = i;
      });
    for (std::thread& writer : writers) writer.join();
    EXPECT_EQ(winners, 1);
    LocalStore store(folder.path());
    EXPECT_EQ(contents(store, name), std::to_string(winner));
  }
}

TEST(LocalStore, ListsByTextPrefixWithoutHiddenFilesAndLinks) {
  TemporaryFolder folder;
  LocalStore store(folder.path());
  for (std::string name : {"run/b/2", "run/b/1", "run/bc/1", "run-2/a", "top"})
    store.create_if_absent(name, MemorySource("x"));
  write_file_atomically(folder.path() / "run" / ".hidden", "x");
  fs::create_directory_symlink("run", folder.path() / "latest");
  EXPECT_THAT(store.list(""), ElementsAre("run-2/a", "run/b/1", "run/b/2", "run/bc/1", "top"));
  EXPECT_THAT(store.list("run/"), ElementsAre("run/b/1", "run/b/2", "run/bc/1"));
  EXPECT_THAT(store.list("run/b/"), ElementsAre("run/b/1", "run/b/2"));
  EXPECT_THAT(store.list("run/b/2"), ElementsAre("run/b/2"));
  EXPECT_THAT(store.list("ru"), ElementsAre("run-2/a", "run/b/1", "run/b/2", "run/bc/1"));
  EXPECT_THAT(store.list("none"), IsEmpty());
  EXPECT_THAT(LocalStore(folder.path() / "absent").list(""), IsEmpty());
}

TEST(LocalStore, SaysWhatIsAbsent) {
  TemporaryFolder folder;
  LocalStore store(folder.path());
  store.create_if_absent("folder/file", MemorySource("x"));
  for (std::string name : {"none", "folder", "folder/file/below"}) {
    EXPECT_FALSE(store.stat(name)) << name;
    EXPECT_FALSE(store.read(name, {}, [](std::string_view) { FAIL(); })) << name;
  }
  EXPECT_FALSE(store.remove("none"));
}

TEST(LocalStore, RemovesObjectsAndTheFoldersThatBecomeEmpty) {
  TemporaryFolder folder;
  LocalStore store(folder.path());
  store.create_if_absent("run/a/1", MemorySource("x"));
  store.create_if_absent("run/b/1", MemorySource("x"));
  EXPECT_TRUE(store.remove("run/a/1"));
  EXPECT_FALSE(store.remove("run/a/1"));
  EXPECT_FALSE(fs::exists(folder.path() / "run/a"));
  EXPECT_THAT(store.list(""), ElementsAre("run/b/1"));
}

TEST(LocalStore, RefusesNamesThatLeaveIt) {
  TemporaryFolder folder;
  LocalStore store(folder.path() / "root");
  EXPECT_THROW(store.create_if_absent("../outside", MemorySource("x")), Error);
  EXPECT_THROW(store.read("/etc/passwd", {}, [](std::string_view) {}), Error);
  EXPECT_THROW(store.remove(".writing/x"), Error);
  EXPECT_FALSE(fs::exists(folder.path() / "outside"));
}

TEST(LocalStore, DoesNotShowWhatIsBeingWritten) {
  TemporaryFolder folder;
  LocalStore store(folder.path());
  struct Spy : ObjectSource {
    explicit Spy(LocalStore& store) : store(store) {}
    uint64_t size_bytes() const override { return 3 << 20; }
    void read(uint64_t, std::span<char> buffer) const override {
      std::fill(buffer.begin(), buffer.end(), 'x');
      ++reads;
      EXPECT_THAT(store.list(""), IsEmpty());
      EXPECT_FALSE(store.stat("file"));
    }
    LocalStore& store;
    mutable int reads = 0;
  };
  Spy spy(store);
  store.create_if_absent("file", spy);
  EXPECT_EQ(spy.reads, 3);
  EXPECT_THAT(store.list(""), ElementsAre("file"));
}

TEST(LocalStore, LeavesNothingWhenTheSourceFails) {
  TemporaryFolder folder;
  LocalStore store(folder.path());
  struct Failing : ObjectSource {
    uint64_t size_bytes() const override { return 3 << 20; }
    void read(uint64_t offset, std::span<char>) const override {
      if (offset > 0) throw Error("source failed");
    }
  };
  EXPECT_THROW(store.create_if_absent("file", Failing()), Error);
  EXPECT_THAT(store.list(""), IsEmpty());
  EXPECT_TRUE(fs::is_empty(folder.path() / ".writing"));
}

TEST(LocalStore, NamesThePathThatIsNoFolder) {
  TemporaryFolder folder;
  write_file_atomically(folder.path() / "file", "x");
  LocalStore store(folder.path() / "file");
  EXPECT_THAT(error_of([&] { store.create_if_absent("a", MemorySource("x")); }),
              HasSubstr((folder.path() / "file").string()));
}

// Runs `action` in a process of its own, whose limits it may change; false: an expectation failed there.
bool in_child(const std::function<void()>& action) {
  pid_t child = ::fork();
  if (child == 0) {
    action();
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(LocalStore, AFileThatTheSystemCutsIsAnErrorNamingItAndLeavesNothing) {
  TemporaryFolder folder;
  LocalStore store(folder.path());
  EXPECT_TRUE(in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{100'000, 100'000};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    ASSERT_TRUE(store.create_if_absent("small", MemorySource("x")));
    std::string error = error_of([&] { store.create_if_absent("run/big", MemorySource(std::string(200'000, 'x'))); });
    EXPECT_THAT(error, HasSubstr((folder.path() / "run/big").string()));
    EXPECT_THAT(error, HasSubstr("File too large"));
  }));
  EXPECT_THAT(store.list(""), ElementsAre("small"));
  EXPECT_TRUE(fs::is_empty(folder.path() / ".writing"));
}

TEST(LocalStore, AFullOrReadOnlyDiskIsAnErrorNamingThePath) {
  TemporaryFolder folder;
  const std::string path = folder.path().string();
  if (::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=256k") != 0)
    GTEST_SKIP() << "no right to mount a small tmpfs here: " << std::strerror(errno);
  struct Unmount {
    const char* path;
    ~Unmount() { EXPECT_EQ(::umount2(path, MNT_DETACH), 0); }
  } unmount{path.c_str()};
  LocalStore store(folder.path());
  EXPECT_TRUE(store.create_if_absent("small", MemorySource("x")));
  EXPECT_THAT(error_of([&] { store.create_if_absent("big", MemorySource(std::string(500'000, 'x'))); }),
              HasSubstr(path + "/big: No space left on device"));
  EXPECT_THAT(store.list(""), ElementsAre("small"));
  EXPECT_TRUE(store.create_if_absent("fits", MemorySource(std::string(200'000, 'x')))) << "its space was not freed";
  EXPECT_EQ(::mount(nullptr, path.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_THAT(error_of([&] { store.create_if_absent("late", MemorySource("x")); }),
              HasSubstr(path + "/late: Read-only file system"));
  EXPECT_THAT(error_of([&] { store.remove("small"); }), HasSubstr(path + "/small: Read-only file system"));
  EXPECT_EQ(contents(store, "small"), "x");
}

}  // namespace
}  // namespace podium
