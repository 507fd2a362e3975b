#include "worker/snapshot/snapshot_copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/snapshot/snapshots.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

using testing::HasSubstr;

// A folder that says it is far away.
struct RemoteStore : LocalStore {
  using LocalStore::LocalStore;
  std::optional<fs::path> local_path(const std::string&) const override { return std::nullopt; }
  bool read(const std::string& name, ByteRange range, const ByteSink& sink) override {
    ++reads[name];
    return LocalStore::read(name, range, sink);
  }
  // A folder's stat() reads; a bucket's does not.
  std::optional<ObjectInfo> stat(const std::string& name) override {
    const auto before = reads;
    std::optional<ObjectInfo> info = LocalStore::stat(name);
    reads = before;
    return info;
  }
  std::map<std::string, int> reads;
};

class SnapshotCopyTest : public testing::Test {
 protected:
  SnapshotCopyTest() {
    SnapshotContent content{.step = 500, .epoch = 1, .generation = 1, .files = {}};
    for (const char* name : {"model", "vocabulary"})
      content.files.push_back({name, std::make_unique<MemorySource>(std::string("content of ") + name)});
    SnapshotStore(store, "run", {}).write(content);
  }
  // What is wrong; "": nothing.
  std::string copy(const std::vector<std::string>& names = {}) {
    return error_of(
        [&] { copy_snapshot(store, kPrefix, read_manifest(store, kPrefix), folder.path() / "copies/it", names); });
  }
  fs::path copied(const std::string& file) const { return folder.path() / "copies/it" / file; }
  fs::path stored(const std::string& file) const { return folder.path() / "store" / (kPrefix + file); }
  int reads(const std::string& file) { return store.reads[kPrefix + file]; }

  const std::string kPrefix = "run/step-000500/";
  const TemporaryFolder folder;
  RemoteStore store{folder.path() / "store"};
};

TEST_F(SnapshotCopyTest, IsTheSnapshotReadOnce) {
  EXPECT_EQ(copy(), "");
  EXPECT_EQ(read_file(copied("model")), "content of model");
  EXPECT_EQ(reads("model"), 1);
  EXPECT_EQ(copy(), "");
  EXPECT_EQ(reads("model"), 1) << "a whole copy is not fetched again";
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path() / "copies"), fs::directory_iterator()), 1);
}

TEST_F(SnapshotCopyTest, ATornOrChangedCopyIsFetchedAnew) {
  EXPECT_EQ(copy(), "");
  write_file_atomically(copied("model"), "content of modem");
  EXPECT_EQ(copy(), "");
  EXPECT_EQ(read_file(copied("model")), "content of model");
  fs::remove(copied("manifest.json"));
  EXPECT_EQ(copy(), "");
  EXPECT_EQ(reads("model"), 3);
}

TEST_F(SnapshotCopyTest, OfSomeFilesChecksTheOthersByWhatTheStoreKnows) {
  EXPECT_EQ(copy({"vocabulary"}), "");
  EXPECT_EQ(read_file(copied("vocabulary")), "content of vocabulary");
  EXPECT_FALSE(fs::exists(copied("model")));
  EXPECT_EQ(reads("model"), 0);
  write_file_atomically(stored("model"), "content of modem");
  EXPECT_THAT(copy({"vocabulary"}), HasSubstr("run/step-000500/model: CRC32C"));
}

TEST_F(SnapshotCopyTest, ASnapshotThatIsNotWholeLeavesNoCopy) {
  for (const std::string content : {"content of modem", "content of model and more", "short"}) {
    write_file_atomically(stored("model"), content);
    EXPECT_NE(copy(), "") << content;
    EXPECT_TRUE(fs::is_empty(folder.path() / "copies")) << content;
  }
  fs::remove(stored("model"));
  EXPECT_THAT(copy(), HasSubstr("run/step-000500/model: missing"));
}

}  // namespace
}  // namespace podium
