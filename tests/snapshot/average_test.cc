#include "worker/snapshot/average.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/snapshot/safetensors.h"
#include "worker/snapshot/snapshot_folder.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class Average : public testing::Test {
 protected:
  void write(uint64_t step, std::vector<float> weights, std::vector<uint64_t> shape, const std::string& name = "a") {
    const std::span<const char> bytes(reinterpret_cast<const char*>(weights.data()), weights.size() * sizeof(float));
    SnapshotContent content;
    content.step = step;
    content.files.push_back({"model.safetensors", safetensors_source({{name, StoredType::kF32, shape, bytes}})});
    for (const char* other : {"config.json", "optimizer.safetensors", "trainer_state.json"})
      content.files.push_back({other, std::make_unique<MemorySource>(fmt::format("{} of {}", other, step))});
    snapshots_.write(content);
  }

  std::string error_of_average(int64_t count, const std::string& to = "average") {
    return error_of([&] { write_average(newest_snapshots(snapshots_, count), folder_.path() / to); });
  }

  std::vector<float> averaged() const {
    const fs::path path = folder_.path() / "average/model.safetensors";
    const std::string bytes = read_file(path);
    const SafetensorsFile file(bytes, path.string());
    std::vector<float> values(file.tensors().at(0).bytes.size() / sizeof(float));
    std::memcpy(values.data(), file.tensors()[0].bytes.data(), file.tensors()[0].bytes.size());
    return values;
  }

  const TemporaryFolder folder_;
  LocalStore store_{folder_.path() / "snapshots"};
  std::vector<std::string> reports_;
  SnapshotStore snapshots_{store_, "run", [this](const std::string& text) { reports_.push_back(text); }};
};

TEST_F(Average, IsTheMeanOfTheLastInDouble) {
  write(10, {1000, 1000}, {2});
  write(20, {1e8f, 1}, {2});
  write(30, {1, 2}, {2});
  write(40, {-1e8f, 4}, {2});
  EXPECT_EQ(error_of_average(3), "");
  // In float32 the 1 beside 1e8 would be lost.
  EXPECT_THAT(averaged(), ElementsAre(1.0f / 3, 7.0f / 3));
}

TEST_F(Average, IsAFolderThatVerifiesWithoutTheRunsState) {
  write(10, {1}, {1});
  write(20, {2}, {1});
  EXPECT_EQ(error_of_average(2), "");
  const SnapshotFolder found = verify_snapshot_folder(folder_.path() / "average");
  ASSERT_TRUE(found.manifest);
  EXPECT_EQ(found.manifest->step, 20u);
  std::vector<std::string> names;
  for (const ManifestFile& file : found.manifest->files) names.push_back(file.name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("model.safetensors", "config.json"));
  EXPECT_EQ(read_file(folder_.path() / "average/config.json"), "config.json of 20");
  EXPECT_THAT(error_of_average(2), HasSubstr("average: is there already"));
}

TEST_F(Average, TakesWholeSnapshotsOnly) {
  for (uint64_t step : {10, 20, 30}) write(step, {static_cast<float>(step)}, {1});
  std::ofstream(folder_.path() / "snapshots/run/step-000020/config.json") << "torn";
  EXPECT_EQ(error_of_average(2), "");
  EXPECT_THAT(averaged(), ElementsAre(20));
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("step-000020 is skipped")));
  EXPECT_THAT(error_of_average(3, "other"), HasSubstr("run run has 2 whole snapshots, 3 were asked for"));
}

TEST_F(Average, OfOtherShapesOrNamesIsRefused) {
  write(10, {1, 2}, {2});
  write(20, {1, 2}, {1, 2});
  EXPECT_THAT(error_of_average(2), AllOf(HasSubstr("step-000020/model.safetensors"), HasSubstr("(1,2)")));
  write(30, {1, 2}, {1, 2}, "b");
  EXPECT_THAT(error_of_average(2), HasSubstr("model.safetensors"));
  EXPECT_FALSE(fs::exists(folder_.path() / "average"));
}

}  // namespace
}  // namespace podium
