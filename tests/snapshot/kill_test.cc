// Real processes that write snapshots and get SIGKILL at random moments.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "tests/temporary_folder.h"
#include "worker/snapshot/snapshot_folder.h"
#include "worker/snapshot/snapshots.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

constexpr int kKills = 30;

// Counts in memory that parent and child share how often the writer read its content: six times a snapshot, once to
// describe and once to store each of three files. So the moment of the kill follows the writer's work, not the clock.
struct Counter {
  Counter()
      : reads(*new (::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                           0)) std::atomic<int>(0)) {}
  ~Counter() { ::munmap(&reads, sizeof reads); }
  std::atomic<int>& reads;
};

class CountedSource : public MemorySource {
 public:
  CountedSource(std::string content, std::atomic<int>& reads) : MemorySource(std::move(content)), reads_(reads) {}
  void read(uint64_t offset, std::span<char> buffer) const override {
    ++reads_;
    MemorySource::read(offset, buffer);
  }

 private:
  std::atomic<int>& reads_;
};

SnapshotContent content_of(uint64_t step, std::atomic<int>& reads) {
  SnapshotContent content{step, 0, 0, {}};
  for (int file = 0; file < 3; ++file)
    content.files.push_back(
        {fmt::format("file-{}", file),
         std::make_unique<CountedSource>(std::string(50'000, static_cast<char>('a' + step % 26)), reads)});
  return content;
}

// Goes on behind the newest snapshot, as a trainer that was restarted does, until it is killed.
[[noreturn]] void write_until_killed(const fs::path& root, int keep, std::atomic<int>& reads) {
  LocalStore store(root);
  SnapshotStore snapshots(store, "run", [](const std::string&) {});
  std::optional<Snapshot> newest = snapshots.newest_valid();
  for (uint64_t step = newest ? newest->manifest.step + 1 : 1;; ++step) {
    snapshots.write(content_of(step, reads));
    snapshots.apply_retention({keep}, {});
  }
}

class Killed : public testing::Test {
 protected:
  // The child's life: it ends a random instant (up to 2 ms) after a random number of reads. The reader runs beside it.
  template <typename Reader>
  void run_and_kill(int keep, Reader&& reader) {
    counter.reads = 0;
    pid_t child = ::fork();
    if (child == 0) write_until_killed(folder.path(), keep, counter.reads);
    const int reads = std::uniform_int_distribution<int>(1, 24)(random);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (counter.reads < reads && std::chrono::steady_clock::now() < deadline) reader();
    ::usleep(std::uniform_int_distribution<useconds_t>(0, 2000)(random));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the writer ended by itself";
    ASSERT_GE(counter.reads, reads) << "the writer stood still";
  }
  uint64_t newest_step() {
    std::optional<Snapshot> newest = snapshots.newest_valid();
    return newest ? newest->manifest.step : 0;
  }

  Counter counter;
  TemporaryFolder folder;
  LocalStore store{folder.path()};
  SnapshotStore snapshots{store, "run", [](const std::string&) {}};
  std::mt19937 random{std::random_device{}()};
};

TEST_F(Killed, AWriterLeavesTheNewestWholeSnapshotAndReadersSeeNoTornOne) {
  uint64_t newest = 0;
  int seen_through_link = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    run_and_kill(/*keep=*/0, [&] {
      if (!fs::exists(folder.path() / "latest")) return std::this_thread::yield();
      ASSERT_TRUE(verify_snapshot_folder(folder.path() / "latest").manifest);
      ++seen_through_link;
    });
    const uint64_t step = newest_step();
    EXPECT_GE(step, newest);
    newest = step;
  }
  EXPECT_GT(newest, 5u) << "the writers were killed before they wrote anything";
  EXPECT_GT(seen_through_link, 0);
  // What has a manifest is whole: the manifest is written last.
  for (const std::string& object : store.list("run/"))
    if (object.ends_with("/manifest.json")) {
      EXPECT_NO_THROW(snapshots.open(fs::path(object).parent_path().filename().string())) << object;
    }
}

TEST_F(Killed, ARemovalLeavesTheNewestWholeSnapshotAndNoTornManifest) {
  uint64_t newest = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    run_and_kill(/*keep=*/1, [] { std::this_thread::yield(); });
    const uint64_t step = newest_step();
    EXPECT_GE(step, newest);
    newest = step;
    for (const std::string& object : store.list("run/"))
      if (object.ends_with("/manifest.json")) {
        EXPECT_NO_THROW(snapshots.open(fs::path(object).parent_path().filename().string())) << object;
      }
  }
  EXPECT_GT(newest, 5u);
  // Nothing piles up: one more snapshot takes what the killed ones left half-written or half-removed.
  snapshots.write(content_of(newest + 1, counter.reads));
  snapshots.apply_retention({1}, {});
  EXPECT_EQ(snapshots.list().size(), 1u);
  EXPECT_TRUE(fs::is_empty(folder.path() / ".writing"));
}

}  // namespace
}  // namespace podium
