#include "worker/supervise/bucket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/slowdown.h"
#include "tests/temporary_folder.h"
#include "worker/snapshot/completion.h"
#include "worker/snapshot/epochs.h"

namespace podium {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A folder that is far away, whose gate a test opens and closes.
class Remote : public LocalStore {
 public:
  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = true, away = false, may_remove = true, fails_to_remove = false;
  };
  Remote(const fs::path& folder, Gate& gate) : LocalStore(folder), gate_(gate) {}
  std::optional<fs::path> local_path(const std::string&) const override { return std::nullopt; }
  std::vector<std::string> list(const std::string& prefix) override {
    check();
    return LocalStore::list(prefix);
  }
  std::optional<ObjectInfo> create_if_absent(const std::string& name, const ObjectSource& content) override {
    std::unique_lock lock(gate_.mutex);
    gate_.changed.wait_for(lock, std::chrono::seconds(60 * kSlowdown), [this] { return gate_.open; });
    lock.unlock();
    check();
    return LocalStore::create_if_absent(name, content);
  }
  bool remove(const std::string& name) override {
    const std::lock_guard lock(gate_.mutex);
    if (gate_.fails_to_remove) throw Error("removing fails now and then");
    if (!gate_.may_remove) throw Refused("no right to delete");
    return LocalStore::remove(name);
  }

 private:
  void check() {
    const std::lock_guard lock(gate_.mutex);
    if (gate_.away) throw Error("the bucket is away");
  }
  Gate& gate_;
};

class BucketTest : public testing::Test {
 protected:
  BucketPlan plan() const {
    return {.where = "gs://models",
            .run = "ted",
            .folder = folder_.path(),
            .resume = "latest",
            .holder = "the test",
            .retry_seconds = 0.05};
  }
  std::unique_ptr<Bucket> open(BucketPlan plan) {
    return std::make_unique<Bucket>(
        [this](std::chrono::seconds) { return std::make_unique<Remote>(remote_folder_.path(), gate_); },
        std::move(plan),
        [this](Severity, const std::string& text) {
          const std::lock_guard lock(log_mutex_);
          log_.push_back(text);
        });
  }
  void start(Bucket& bucket) {
    bucket.start([this](const std::string& reason) { superseded_ = reason; });
  }
  void write(SnapshotStore& snapshots, uint64_t step) {
    SnapshotContent content{step, 1, 1, {}};
    content.files.push_back({"model.safetensors", std::make_unique<MemorySource>(std::to_string(step))});
    snapshots.write(content);
  }
  void set_gate(bool open, bool away) {
    {
      const std::lock_guard lock(gate_.mutex);
      gate_.open = open;
      gate_.away = away;
    }
    gate_.changed.notify_all();
  }
  void set_remove(bool may, bool fails) {
    const std::lock_guard lock(gate_.mutex);
    gate_.may_remove = may;
    gate_.fails_to_remove = fails;
  }
  static bool wait_for(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60 * kSlowdown);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  bool becomes_level(Bucket& bucket) {
    bucket.look();
    return wait_for([&] { return bucket.is_level(); });
  }
  std::vector<std::string> names_there() {
    std::vector<std::string> names;
    for (const SnapshotName& name : remote_snapshots_.list()) names.push_back(name.text());
    return names;
  }
  std::vector<std::string> log() {
    const std::lock_guard lock(log_mutex_);
    return log_;
  }

  const TemporaryFolder folder_, remote_folder_;
  LocalStore local_{folder_.path()}, remote_{remote_folder_.path()};
  SnapshotStore snapshots_{local_, "ted", [](const std::string&) {}};
  SnapshotStore remote_snapshots_{remote_, "ted", [](const std::string&) {}};
  Remote::Gate gate_;
  std::mutex log_mutex_;
  std::vector<std::string> log_;
  std::string superseded_;
};

TEST_F(BucketTest, TakesWhatComesAndTheMarkerLast) {
  const auto bucket = open(plan());
  bucket->take_over();
  start(*bucket);
  write(snapshots_, 500);
  EXPECT_TRUE(becomes_level(*bucket));
  write(snapshots_, 1000);
  write_completion(local_, "ted", {1000, "step-001000", {}});
  EXPECT_TRUE(becomes_level(*bucket));
  EXPECT_THAT(names_there(), ElementsAre("step-000500", "step-001000"));
  EXPECT_EQ(find_completion(remote_, "ted")->step, 1000);
  EXPECT_EQ(bucket->uploads().snapshots, 2u);
  EXPECT_EQ(bucket->uploads().step, 1000);
  EXPECT_THAT(log(), Contains(HasSubstr("snapshot step-001000 is in gs://models/ted/ (0.0 kB in ")));
}

TEST_F(BucketTest, BringsTheNewestAndTheMarkersHere) {
  write(remote_snapshots_, 500);
  write(remote_snapshots_, 1000);
  write_completion(remote_, "ted", {1000, "step-001000", {}});
  open(plan())->take_over();
  EXPECT_EQ(snapshots_.newest_valid()->name, "step-001000");
  EXPECT_EQ(find_completion(local_, "ted")->step, 1000);
  EXPECT_EQ(highest_epoch(remote_, "ted"), 1u);
  EXPECT_THAT(log(), ElementsAre(HasSubstr("step-001000 was fetched from gs://models")));
}

TEST_F(BucketTest, BringsTheOneThatIsNamed) {
  for (uint64_t step : {500, 1000}) write(remote_snapshots_, step);
  BucketPlan named = plan();
  named.resume = "step-000500";
  open(named)->take_over();
  EXPECT_EQ(snapshots_.newest_valid()->name, "step-000500");
  named.resume = "step-000700";
  EXPECT_THROW(open(named)->take_over(), CannotResume);
  named.resume = "none";
  EXPECT_THROW(open(named)->take_over(), CannotResume);
}

TEST_F(BucketTest, LeavesOutWhatComesTooFastButNotTheBest) {
  const auto bucket = open(plan());
  bucket->take_over();
  set_gate(false, false);  // the first is on its way
  write(snapshots_, 1);
  start(*bucket);
  for (uint64_t step : {2, 3, 4, 5}) write(snapshots_, step);
  snapshots_.point_best("step-000003");
  set_gate(true, false);
  EXPECT_TRUE(becomes_level(*bucket));
  EXPECT_THAT(names_there(), testing::IsSupersetOf({"step-000003", "step-000005"}));
  EXPECT_THAT(names_there(), testing::Not(Contains("step-000004")));
  EXPECT_THAT(log(), Contains(HasSubstr("snapshot step-000004 stays here alone")));
}

TEST_F(BucketTest, TakesAllWhenToldSo) {
  BucketPlan all = plan();
  all.uploads_all = true;
  const auto bucket = open(all);
  for (uint64_t step : {1, 2, 3, 4}) write(snapshots_, step);
  start(*bucket);
  EXPECT_TRUE(becomes_level(*bucket));
  EXPECT_EQ(names_there().size(), 4u);
}

TEST_F(BucketTest, RemovesOldOnesWhereThatIsAllowed) {
  BucketPlan few = plan();
  few.retention = {2, 4};
  few.uploads_all = true;
  for (uint64_t step : {1, 2, 3, 4, 5, 6, 7}) write(snapshots_, step);
  snapshots_.point_best("step-000002");
  auto bucket = open(few);
  start(*bucket);
  EXPECT_TRUE(becomes_level(*bucket));
  EXPECT_THAT(names_there(), ElementsAre("step-000002", "step-000004", "step-000006", "step-000007"));
  EXPECT_EQ(snapshots_.list().size(), 7u);
  // A failure is no reason to keep them for ever.
  set_remove(true, true);
  write(snapshots_, 8);
  EXPECT_TRUE(becomes_level(*bucket));
  EXPECT_EQ(names_there().size(), 5u);
  set_remove(true, false);
  write(snapshots_, 9);
  EXPECT_TRUE(becomes_level(*bucket));
  EXPECT_THAT(names_there(), ElementsAre("step-000002", "step-000004", "step-000008", "step-000009"));
  EXPECT_THAT(log(), Contains(HasSubstr("old snapshots were not removed: removing fails now and then")));
  // It tells once that it may not, and keeps all.
  set_remove(false, false);
  for (uint64_t step : {10, 11, 12}) write(snapshots_, step);
  EXPECT_TRUE(becomes_level(*bucket));
  EXPECT_EQ(names_there().size(), 7u);
  EXPECT_THAT(log(), Contains(HasSubstr("old snapshots are kept from now on: no right to delete")).Times(1));
}

TEST_F(BucketTest, CatchesUpWhenItIsBack) {
  const auto bucket = open(plan());
  set_gate(true, true);
  EXPECT_THROW(bucket->take_over(), Error);
  start(*bucket);
  write(snapshots_, 500);
  bucket->look();
  ASSERT_TRUE(wait_for([&] { return !bucket->trouble().empty(); }));
  EXPECT_FALSE(bucket->is_level());
  EXPECT_EQ(bucket->trouble(), "the bucket is away");
  EXPECT_TRUE(wait_for([&] { return bucket->has_failed(); }));
  set_gate(true, false);
  EXPECT_TRUE(becomes_level(*bucket));
  EXPECT_EQ(bucket->trouble(), "");
  EXPECT_THAT(names_there(), ElementsAre("step-000500"));
  EXPECT_THAT(log(), Contains(HasSubstr("snapshots stay in ")).Times(0)) << "take_over() has said it";
  EXPECT_THAT(log(), Contains(HasSubstr("gs://models is back")).Times(1));
  set_gate(true, true);
  write(snapshots_, 1000);
  for (int i = 0; i < 2; ++i) {
    bucket->look();
    EXPECT_TRUE(wait_for([&] { return bucket->has_failed(); }));
  }
  EXPECT_THAT(log(), Contains(HasSubstr("snapshots stay in ")).Times(1));
}

TEST_F(BucketTest, CommitsNothingOnceAnotherRules) {
  const auto bucket = open(plan());
  bucket->take_over();
  claim_epoch(remote_, "ted", "another");
  write(snapshots_, 500);
  std::atomic<bool> called{false};
  bucket->start([&](const std::string& reason) {
    superseded_ = reason;
    called = true;
  });
  ASSERT_TRUE(wait_for([&] { return called.load(); }));
  EXPECT_THAT(superseded_, HasSubstr("epoch 2 is claimed, this is 1"));
  EXPECT_FALSE(remote_snapshots_.newest_valid());
}

TEST_F(BucketTest, EndsWithAnUploadOnItsWay) {
  write(snapshots_, 500);
  auto bucket = open(plan());
  bucket->take_over();
  set_gate(false, false);
  start(*bucket);
  std::thread opens([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    set_gate(true, false);
  });
  bucket.reset();
  opens.join();
  EXPECT_FALSE(remote_snapshots_.newest_valid());
}

}  // namespace
}  // namespace podium
