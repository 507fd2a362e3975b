#include "worker/snapshot/snapshots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"
#include "worker/base/error.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SnapshotContent content_of(uint64_t step, const std::string& weights) {
  SnapshotContent content{step, 0, 0, {}};
  content.files.push_back({"config.json", std::make_unique<MemorySource>("{}")});
  content.files.push_back({"model.safetensors", std::make_unique<MemorySource>(weights)});
  return content;
}

class Snapshots : public testing::Test {
 protected:
  std::string write(uint64_t step) {
    return snapshots.write(content_of(step, fmt::format("weights of step {}", step)));
  }
  std::string newest() {
    reports.clear();
    std::optional<Snapshot> snapshot = snapshots.newest_valid();
    return snapshot ? snapshot->name : "(none)";
  }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const SnapshotName& name : snapshots.list()) names.push_back(name.text());
    return names;
  }
  fs::path file(const std::string& name) { return folder.path() / "ted" / name; }
  void edit(const fs::path& path, const std::string& from, const std::string& to) {
    std::string text = read_file(path);
    ASSERT_NE(text.find(from), std::string::npos);
    write_file_atomically(path, text.replace(text.find(from), from.size(), to));
  }

  TemporaryFolder folder;
  LocalStore store{folder.path()};
  std::vector<std::string> reports;
  SnapshotStore snapshots{store, "ted", [this](const std::string& text) { reports.push_back(text); }};
};

TEST_F(Snapshots, AreFoundByStepAsANumber) {
  EXPECT_EQ(newest(), "(none)");
  for (uint64_t step : {999'999, 500, 1'000'000}) write(step);
  EXPECT_THAT(names(), ElementsAre("step-000500", "step-999999", "step-1000000"));
  std::optional<Snapshot> snapshot = snapshots.newest_valid();
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->name, "step-1000000");
  EXPECT_EQ(snapshot->manifest.step, 1'000'000u);
  EXPECT_EQ(snapshot->manifest.files.size(), 2u);
  EXPECT_EQ(read_file(*snapshot->folder / "model.safetensors"), "weights of step 1000000");
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(Snapshots, LinksFollowTheLastAndTheBest) {
  write(500);
  write(1000);
  snapshots.point_best("step-000500");
  EXPECT_EQ(fs::read_symlink(folder.path() / "latest"), "ted/step-001000");
  EXPECT_EQ(fs::read_symlink(file("latest")), "step-001000");
  EXPECT_EQ(fs::read_symlink(folder.path() / "best"), "ted/step-000500");
  EXPECT_EQ(read_file(folder.path() / "best" / "model.safetensors"), "weights of step 500");
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(Snapshots, AUsersFileWhereTheLinkShouldBeIsReportedAndKept) {
  write_file_atomically(folder.path() / "latest", "mine");
  EXPECT_EQ(write(500), "step-000500");
  EXPECT_EQ(read_file(folder.path() / "latest"), "mine");
  EXPECT_THAT(reports, ElementsAre(AllOf(HasSubstr("latest"), HasSubstr("no symbolic link"))));
}

TEST_F(Snapshots, AFlippedByteIsNamedAndTheOneBeforeIsTaken) {
  write(500);
  write(1000);
  edit(file("step-001000/model.safetensors"), "weights", "Weights");
  EXPECT_EQ(newest(), "step-000500");
  EXPECT_THAT(reports,
              ElementsAre(AllOf(HasSubstr("step-001000"), HasSubstr("ted/step-001000/model.safetensors: CRC32C"),
                                HasSubstr("the manifest says"))));
}

TEST_F(Snapshots, ATruncatedFileIsNamedWithItsSizes) {
  write(500);
  write(1000);
  fs::resize_file(file("step-001000/model.safetensors"), 7);
  EXPECT_EQ(newest(), "step-000500");
  EXPECT_THAT(reports, ElementsAre(HasSubstr("step-001000/model.safetensors: 7 bytes, the manifest says 20")));
}

TEST_F(Snapshots, AMissingFileIsNamed) {
  write(500);
  write(1000);
  fs::remove(file("step-001000/config.json"));
  EXPECT_EQ(newest(), "step-000500");
  EXPECT_THAT(reports, ElementsAre(HasSubstr("step-001000/config.json: missing")));
}

TEST_F(Snapshots, WithoutManifestItIsNone) {
  write(500);
  write(1000);
  fs::remove(file("step-001000/manifest.json"));
  EXPECT_EQ(newest(), "step-000500");
  EXPECT_THAT(reports, ElementsAre(HasSubstr("step-001000/manifest.json: missing")));
}

TEST_F(Snapshots, AForeignManifestIsNamed) {
  write(500);
  for (uint64_t step : {1000, 1500, 2000, 2500}) write(step);
  edit(file("step-001000/manifest.json"), "\"ted\"", "\"bob\"");
  edit(file("step-001500/manifest.json"), "\"version\": 1", "\"version\": 9");
  edit(file("step-002000/manifest.json"), "\"step\": 2000", "\"step\": 2001");
  write_file_atomically(file("step-002500/manifest.json"), "\x89PNG");
  EXPECT_EQ(newest(), "step-000500");
  EXPECT_THAT(reports, ElementsAre(HasSubstr("not valid JSON"), HasSubstr("of step 2001"), HasSubstr("version 9"),
                                   HasSubstr("of run \"bob\", \"ted\" was expected")));
}

TEST_F(Snapshots, AStoreThatCannotBeReadIsAnErrorAndNoReasonToGoBack) {
  struct Unreachable : LocalStore {
    using LocalStore::LocalStore;
    bool read(const std::string& name, ByteRange, const ByteSink&) override { throw Error("{}: timed out", name); }
  };
  write(500);
  Unreachable unreachable(folder.path());
  SnapshotStore through(unreachable, "ted", [](const std::string&) {});
  EXPECT_THROW(through.newest_valid(), Error);
}

TEST_F(Snapshots, AFolderThatHoldsOthersObjectsIsLeftAlone) {
  // Not a name that we would write: it must not be mixed with ours.
  ASSERT_TRUE(store.create_if_absent("ted/step-000500/optimizer.safetensors", MemorySource("of another")));
  EXPECT_EQ(write(500), "step-000500.e0g1");
  EXPECT_EQ(newest(), "step-000500.e0g1");
  EXPECT_THAT(store.list("ted/step-000500/"), ElementsAre("ted/step-000500/optimizer.safetensors"));
}

TEST_F(Snapshots, ADifferentSnapshotOfTheSameStepGetsItsOwnNameAndIsPreferred) {
  write(500);
  SnapshotContent again = content_of(500, "other weights");
  again.epoch = 7;
  again.generation = 3;
  EXPECT_EQ(snapshots.write(again), "step-000500.e7g3");
  again.files.push_back({"more.json", std::make_unique<MemorySource>("{}")});
  EXPECT_EQ(snapshots.write(again), "step-000500.e7g4");
  EXPECT_EQ(newest(), "step-000500.e7g4");
  EXPECT_EQ(read_file(file("step-000500/model.safetensors")), "weights of step 500");
}

TEST_F(Snapshots, TheSameSnapshotIsNotStoredTwice) {
  write(500);
  EXPECT_EQ(write(500), "step-000500");
  EXPECT_THAT(names(), ElementsAre("step-000500"));
}

// Another writer creates the model's object while our first file is being stored.
TEST_F(Snapshots, OfTwoWritersNeitherOverwritesTheOther) {
  struct Racing : MemorySource {
    Racing(LocalStore& store) : MemorySource("{}"), store(store) {}
    void read(uint64_t offset, std::span<char> buffer) const override {
      // The first time it is only described.
      if (++reads == 2) store.create_if_absent("ted/step-000500/model.safetensors", MemorySource("of another"));
      MemorySource::read(offset, buffer);
    }
    LocalStore& store;
    mutable int reads = 0;
  };
  SnapshotContent content = content_of(500, "mine");
  content.files[0].content = std::make_unique<Racing>(store);
  EXPECT_EQ(snapshots.write(content), "step-000500.e0g1");
  EXPECT_THAT(store.list("ted/step-000500/"), ElementsAre("ted/step-000500/model.safetensors"));
  EXPECT_EQ(read_file(file("step-000500/model.safetensors")), "of another");
  EXPECT_EQ(read_file(file("step-000500.e0g1/model.safetensors")), "mine");
}

TEST_F(Snapshots, AFailedWriteLeavesNothingBehind) {
  struct Failing : MemorySource {
    using MemorySource::MemorySource;
    void read(uint64_t offset, std::span<char> buffer) const override {
      if (++reads == 2) throw Error("model.safetensors: disk full");
      MemorySource::read(offset, buffer);
    }
    mutable int reads = 0;
  };
  write(500);
  SnapshotContent content = content_of(1000, "");
  content.files[1].content = std::make_unique<Failing>("weights");
  EXPECT_THROW(snapshots.write(content), Error);
  EXPECT_THAT(names(), ElementsAre("step-000500"));
  EXPECT_EQ(fs::read_symlink(file("latest")), "step-000500");
}

TEST_F(Snapshots, AStoreThatAltersBytesIsFoundOut) {
  struct Altering : LocalStore {
    using LocalStore::LocalStore;
    std::optional<ObjectInfo> create_if_absent(const std::string& name, const ObjectSource&) override {
      return LocalStore::create_if_absent(name, MemorySource("altered"));
    }
  };
  Altering altering(folder.path());
  SnapshotStore through(altering, "ted", [](const std::string&) {});
  EXPECT_THROW(through.write(content_of(500, "weights")), Error);
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(Snapshots, RetentionKeepsTheNewestAndTheProtected) {
  for (uint64_t step : {500, 1000, 1500, 2000, 2500}) write(step);
  snapshots.apply_retention({0}, {});
  EXPECT_EQ(names().size(), 5u);
  snapshots.apply_retention({2}, {"step-001000"});
  EXPECT_THAT(names(), ElementsAre("step-001000", "step-002000", "step-002500"));
  EXPECT_THAT(reports, IsEmpty());
  EXPECT_FALSE(fs::exists(file("step-000500")));
  snapshots.apply_retention({1}, {});
  EXPECT_THAT(names(), ElementsAre("step-002500"));
}

TEST_F(Snapshots, RetentionNeverRemovesTheNewestWholeOne) {
  for (uint64_t step : {500, 1000, 1500, 2000}) write(step);
  edit(file("step-002000/model.safetensors"), "weights", "Weights");
  fs::remove(file("step-001500/manifest.json"));
  snapshots.apply_retention({1}, {});
  EXPECT_THAT(names(), ElementsAre("step-001000", "step-001500", "step-002000"));
  EXPECT_EQ(newest(), "step-001000");
}

TEST_F(Snapshots, RetentionRemovesOldHalfWrittenOnes) {
  for (uint64_t step : {500, 1000, 1500}) write(step);
  fs::remove(file("step-000500/manifest.json"));
  snapshots.apply_retention({2}, {});
  EXPECT_THAT(names(), ElementsAre("step-001000", "step-001500"));
}

TEST_F(Snapshots, RetentionTakesTheManifestFirstAndReportsAFailure) {
  struct Stubborn : LocalStore {
    using LocalStore::LocalStore;
    bool remove(const std::string& name) override {
      if (name.ends_with("config.json")) throw Error("{}: Input/output error", name);
      return LocalStore::remove(name);
    }
  };
  for (uint64_t step : {500, 1000}) write(step);
  Stubborn stubborn(folder.path());
  SnapshotStore through(stubborn, "ted", [&](const std::string& text) { reports.push_back(text); });
  EXPECT_TRUE(through.apply_retention({1}, {})) << "another time it may work";
  EXPECT_THAT(reports, ElementsAre(HasSubstr("step-000500/config.json: Input/output error")));
  EXPECT_THAT(store.list("ted/step-000500/"),
              ElementsAre("ted/step-000500/config.json", "ted/step-000500/model.safetensors"));
}

TEST_F(Snapshots, RetentionIsOverWhereNothingMayBeRemoved) {
  struct Forbidding : LocalStore {
    using LocalStore::LocalStore;
    bool remove(const std::string& name) override { throw Refused("{}: this account may not", name); }
  };
  for (uint64_t step : {500, 1000}) write(step);
  Forbidding forbidding(folder.path());
  SnapshotStore through(forbidding, "ted", [&](const std::string& text) { reports.push_back(text); });
  EXPECT_FALSE(through.apply_retention({1}, {}));
  EXPECT_THAT(reports, ElementsAre("old snapshots are kept from now on: ted/step-000500/manifest.json: this account "
                                   "may not"));
}

TEST_F(Snapshots, OtherRunsAndFilesInTheFolderAreLeftAlone) {
  SnapshotStore other(store, "ted-2", [](const std::string&) {});
  other.write(content_of(100, "x"));
  write_file_atomically(folder.path() / "notes.txt", "mine");
  for (uint64_t step : {500, 1000}) write(step);
  write_file_atomically(file("notes.txt"), "mine");
  snapshots.apply_retention({1}, {});
  EXPECT_EQ(other.newest_valid()->name, "step-000100");
  EXPECT_TRUE(fs::exists(file("notes.txt")));
  EXPECT_TRUE(fs::exists(folder.path() / "notes.txt"));
}

TEST_F(Snapshots, RunNamesThatCannotBeAFolderAreRefused) {
  for (std::string run : {"", "a/b", "..", ".x", "latest", "best", "a\nb", "ção"})
    EXPECT_THROW(SnapshotStore(store, run, {}), Error) << run;
}

}  // namespace
}  // namespace podium
