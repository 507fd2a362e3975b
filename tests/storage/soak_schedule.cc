#include "tests/storage/soak_schedule.h"

#include <gtest/gtest.h>

#include "tests/secrets.h"
#include "tests/storage/gcs_testing.h"
#include "worker/snapshot/epochs.h"
#include "worker/snapshot/snapshots.h"

namespace podium {
namespace {

// What a snapshot of this step holds: a small, a middling and, in some, a file of several chunks.
std::map<std::string, std::string> files_of(uint64_t seed, uint64_t step) {
  CounterRandom random(seed, step, 1);
  std::map<std::string, std::string> files{{"config.json", some_bytes(random.below(2000) + 1, seed + step)},
                                           {"vocabulary.spm", some_bytes(random.below(90'000), seed + step)}};
  if (random.below(2) == 0)
    files["model.safetensors"] = some_bytes(100'000 + random.below(4 * kBlockBytes), seed + step);
  return files;
}

SnapshotContent content_of(uint64_t seed, uint64_t step, uint64_t generation) {
  SnapshotContent content{.step = step, .epoch = 1, .generation = generation, .files = {}};
  for (auto& [name, bytes] : files_of(seed, step))
    content.files.push_back({name, std::make_unique<MemorySource>(bytes)});
  return content;
}

class Schedule {
 public:
  explicit Schedule(uint64_t seed) : seed_(seed), clock_(seed), random_(seed, 0, 2) {
    options_.streams = static_cast<int>(1 + random_.below(4));
    options_.part_bytes = 60'000 + random_.below(400'000);
    options_.piece_bytes = 40'000 + random_.below(400'000);
    if (random_.below(4) == 0) server_.accounts().deny("storage.objects.delete");
    if (random_.below(3) == 0) {
      options_.is_anonymous = false;
      server_.accounts().know_machine("machine@project");
      server_.accounts().unix_seconds = [this] { return clock_.unix_seconds(); };
    }
  }

  SoakCounts run() {
    const GcsFaults faults = random_faults(seed_, 2 + random_.below(12), static_cast<int>(20 + random_.below(40)));
    server_.meet([this, faults](const GcsRequest& request) {
      end_writer_by_chance();
      return faults(request);
    });
    const uint64_t snapshots = 3 + random_.below(3);
    for (uint64_t step = 1; step <= snapshots; ++step) write(step * 100);
    claim();
    check_bucket();
    read_newest();
    server_.meet(GcsFaults());
    read_all();
    counts_.requests = server_.count("");
    counts_.composed = server_.count("/compose?");
    counts_.ranges = server_.count("&generation=");
    counts_.faults = server_.faults_met();
    return counts_;
  }

 private:
  // Each with a client of its own, as after a restart.
  std::unique_ptr<GcsStore> store() {
    return std::make_unique<GcsStore>(GcsPlace{"bucket", "folder"}, options_,
                                      environment_of({{"GCE_METADATA_HOST", server_.address()}}));
  }

  // As if the process that writes were killed at any request: nothing more goes out.
  void end_writer_by_chance() {
    const std::lock_guard lock(mutex_);
    if (writer_ != nullptr && random_.below(60) == 0) writer_->close();
  }
  void set_writer(GcsStore* store) {
    const std::lock_guard lock(mutex_);
    writer_ = store;
  }

  void write(uint64_t step) {
    for (uint64_t generation = 1; generation <= 4; ++generation) {
      const auto store = this->store();
      SnapshotStore snapshots(*store, "run", [](const std::string& text) { EXPECT_EQ(secret_in(text), "") << text; });
      set_writer(store.get());
      try {
        acknowledged_[step] = snapshots.write(content_of(seed_, step, generation));
        ++counts_.written;
        set_writer(nullptr);
        return;
      } catch (const Error& error) {
        EXPECT_EQ(secret_in(error.what()), "") << error.what();
        set_writer(nullptr);
        ++counts_.refused;  // a trainer goes on and writes another
      }
    }
  }

  void claim() {
    const auto store = this->store();
    try {
      const uint64_t first = claim_epoch(*store, "run", "one"), second = claim_epoch(*store, "run", "another");
      EXPECT_EQ(second, first + 1) << "a claim was lost, or made twice";
    } catch (const Error&) {
    }
  }

  // What the bucket itself holds, without the client.
  void check_bucket() {
    EXPECT_EQ(server_.bucket().overwritten(), 0);
    EXPECT_LE(server_.bucket().largest_part(), std::max<uint64_t>(kBlockBytes, options_.one_request_bytes + 2'000));
    for (const auto& [step, name] : acknowledged_) {
      for (const auto& [file, bytes] : files_of(seed_, step))
        EXPECT_TRUE(server_.bucket().content("folder/run/" + name + "/" + file) == bytes) << name << "/" << file;
      EXPECT_TRUE(server_.bucket().content("folder/run/" + name + "/manifest.json")) << name;
    }
  }

  // While faults go on: the newest that is whole, or an error.
  void read_newest() {
    const auto store = this->store();
    SnapshotStore snapshots(*store, "run", [](const std::string&) {});
    try {
      const std::optional<Snapshot> newest = snapshots.newest_valid();
      const uint64_t expected = acknowledged_.empty() ? 0 : acknowledged_.rbegin()->first;
      // One whose last reply was lost for good may be there too.
      EXPECT_GE(newest ? newest->manifest.step : 0, expected) << "an acknowledged snapshot was passed over";
    } catch (const Error&) {
    }
  }

  void read_all() {
    const auto store = this->store();
    SnapshotStore snapshots(*store, "run", [](const std::string&) {});
    for (const auto& [step, name] : acknowledged_) {
      EXPECT_EQ(snapshots.open(name).manifest.step, step);
      for (const auto& [file, bytes] : files_of(seed_, step))
        EXPECT_TRUE(read_object(*store, "run/" + name + "/" + file, 1 << 24) == bytes) << name << "/" << file;
      ++counts_.opened;
    }
    const std::optional<Snapshot> newest = snapshots.newest_valid();
    EXPECT_EQ(newest.has_value(), newest && snapshots.open_if_valid(newest->name)) << "a partial one was chosen";
    if (!acknowledged_.empty()) {
      ASSERT_TRUE(newest);
      EXPECT_GE(newest->manifest.step, acknowledged_.rbegin()->first);
    }
  }

  const uint64_t seed_;
  TestClock clock_;
  std::mutex mutex_;
  CounterRandom random_;
  GcsStore* writer_ = nullptr;
  GcsServer server_;  // its threads use what stands above
  GcsOptions options_ = small_requests(server_, clock_);
  std::map<uint64_t, std::string> acknowledged_;  // step to name
  SoakCounts counts_;
};

}  // namespace

SoakCounts run_soak_schedule(uint64_t seed) { return Schedule(seed).run(); }

}  // namespace podium
