#include "worker/snapshot/mirror.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A folder that is far away: what it holds can only be had through its calls, and they can fail.
class Bucket : public LocalStore {
 public:
  using LocalStore::LocalStore;
  std::optional<fs::path> local_path(const std::string&) const override { return std::nullopt; }
  std::optional<ObjectInfo> create_if_absent(const std::string& name, const ObjectSource& content) override {
    if (fails_at == 0) throw Error("{}: the bucket is away", name);
    --fails_at;
    return LocalStore::create_if_absent(name, content);
  }
  bool read(const std::string& name, ByteRange range, const ByteSink& sink) override {
    ++reads;
    return LocalStore::read(name, range, sink);
  }
  // A bucket knows it.
  std::optional<ObjectInfo> stat(const std::string& name) override {
    const int before = reads;
    const std::optional<ObjectInfo> info = LocalStore::stat(name);
    reads = before;
    return info;
  }
  int fails_at = -1, reads = 0;
};

class Mirror : public testing::Test {
 protected:
  static SnapshotContent content_of(uint64_t step, const std::string& weights) {
    SnapshotContent content{step, 3, 2, {}};
    content.files.push_back({"config.json", std::make_unique<MemorySource>("{}")});
    content.files.push_back({"model.safetensors", std::make_unique<MemorySource>(weights)});
    return content;
  }
  static std::string weights_of(uint64_t step) { return fmt::format("weights of step {}", step); }
  void write(SnapshotStore& snapshots, uint64_t step) { snapshots.write(content_of(step, weights_of(step))); }
  std::string upload(const std::string& name) {
    return mirror.upload(name, [] {}).name;
  }
  fs::path there(const std::string& name) const { return bucket_folder.path() / "ted" / name; }
  fs::path here(const std::string& name) const { return folder.path() / "ted" / name; }

  const TemporaryFolder folder, bucket_folder;
  LocalStore local{folder.path()};
  Bucket bucket{bucket_folder.path()};
  std::vector<std::string> reports;
  SnapshotStore::Report report = [this](const std::string& text) { reports.push_back(text); };
  SnapshotStore local_snapshots{local, "ted", report}, remote_snapshots{bucket, "ted", report};
  SnapshotMirror mirror{local, bucket, "ted", report};
};

TEST_F(Mirror, UploadsWhatTheBucketLacks) {
  EXPECT_THAT(mirror.pending(), IsEmpty());
  for (uint64_t step : {500, 1000}) write(local_snapshots, step);
  EXPECT_THAT(mirror.pending(), ElementsAre("step-000500", "step-001000"));
  EXPECT_EQ(upload("step-000500"), "step-000500");
  EXPECT_THAT(mirror.pending(), ElementsAre("step-001000"));
  EXPECT_EQ(read_file(there("step-000500/model.safetensors")), weights_of(500));
  EXPECT_EQ(read_file(there("step-000500/manifest.json")), read_file(here("step-000500/manifest.json")));
  // One that is new, and knows nothing.
  EXPECT_THAT(SnapshotMirror(local, bucket, "ted", report).pending(), ElementsAre("step-001000"));
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(Mirror, TakesNoOthersWords) {
  write(local_snapshots, 500);
  remote_snapshots.write(content_of(500, "another run's of this name"));
  EXPECT_THAT(mirror.pending(), ElementsAre("step-000500"));
  EXPECT_EQ(upload("step-000500"), "step-000500.e3g2");
  EXPECT_EQ(read_file(there("step-000500/model.safetensors")), "another run's of this name");
  EXPECT_EQ(read_file(there("step-000500.e3g2/model.safetensors")), weights_of(500));
  EXPECT_THAT(SnapshotMirror(local, bucket, "ted", report).pending(), IsEmpty());
}

TEST_F(Mirror, CommitsNothingThatIsNotWhole) {
  write(local_snapshots, 500);
  for (int calls : {0, 1, 2}) {
    bucket.fails_at = calls;
    EXPECT_THROW(upload("step-000500"), Error);
    bucket.fails_at = -1;
    EXPECT_FALSE(remote_snapshots.newest_valid());
  }
  EXPECT_THROW(mirror.upload("step-000500", [] { throw Error("superseded"); }), Error);
  EXPECT_FALSE(remote_snapshots.newest_valid());
  EXPECT_THAT(mirror.pending(), ElementsAre("step-000500"));
  upload("step-000500");
  EXPECT_TRUE(remote_snapshots.newest_valid());
}

TEST_F(Mirror, LeavesTornOnesOfThisSideHere) {
  write(local_snapshots, 500);
  write_file_atomically(here("step-000500/model.safetensors"), "other bytes of 500");
  EXPECT_THAT(mirror.pending(), IsEmpty());
  EXPECT_THROW(upload("step-000500"), InvalidSnapshot);
  EXPECT_THAT(bucket.list(""), IsEmpty());
}

TEST_F(Mirror, FetchesTheNewestThatIsWhole) {
  for (uint64_t step : {500, 1000, 1500}) write(remote_snapshots, step);
  write_file_atomically(there("step-001500/model.safetensors"), "x");
  EXPECT_EQ(mirror.fetch_newest(), "step-001000");
  EXPECT_EQ(read_file(here("step-001000/model.safetensors")), weights_of(1000));
  EXPECT_EQ(fs::read_symlink(folder.path() / "latest"), "ted/step-001000");
  EXPECT_EQ(local_snapshots.newest_valid()->manifest.generation, 2u);
  EXPECT_THAT(reports,
              ElementsAre(AllOf(HasSubstr("step-001500 in the bucket is skipped"), HasSubstr("model.safetensors"))));
  // It is here now, and came from there.
  EXPECT_EQ(mirror.fetch_newest(), std::nullopt);
  EXPECT_THAT(mirror.pending(), IsEmpty());
}

TEST_F(Mirror, FetchesNothingThatIsNotNewer) {
  write(remote_snapshots, 500);
  const int reads = bucket.reads;
  EXPECT_EQ(mirror.fetch_newest(500), std::nullopt);
  EXPECT_EQ(bucket.reads, reads) << "a look at the names is enough";
  write(local_snapshots, 600);
  EXPECT_EQ(mirror.fetch_newest(), std::nullopt);
  EXPECT_FALSE(fs::exists(here("step-000500")));
  // A torn one here is no reason to stay behind.
  write_file_atomically(here("step-000600/model.safetensors"), "torn");
  EXPECT_EQ(mirror.fetch_newest(), "step-000500");
}

TEST_F(Mirror, ReadsEachFileOnce) {
  write(remote_snapshots, 500);
  bucket.reads = 0;
  EXPECT_EQ(mirror.fetch("step-000500"), "step-000500");
  EXPECT_EQ(bucket.reads, 3) << "the manifest and two files";
  EXPECT_TRUE(local_snapshots.open_if_valid("step-000500"));
}

}  // namespace
}  // namespace podium
