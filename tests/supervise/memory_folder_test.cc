// The memory of local runs, by run; and none of runs that are no more.
#include "worker/supervise/memory_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"

namespace podium {
namespace {

class MemoryFolder : public testing::Test {
 protected:
  fs::path make_run(const std::string& name) const {
    fs::create_directories(folder_.path() / name);
    return folder_.path() / name;
  }
  size_t count() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(memory_.path()), fs::directory_iterator()));
  }

  const TemporaryFolder folder_, memory_;
};

TEST_F(MemoryFolder, IsTheSameForTheSameRun) {
  const fs::path first = make_run("first"), second = make_run("second");
  const auto memory = memory_folder_of(first, memory_.path());
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory_folder_of(first, memory_.path()), memory);
  EXPECT_NE(memory_folder_of(second, memory_.path()), memory);
  EXPECT_EQ(read_file(*memory / "owner"), first.string());
  EXPECT_EQ(fs::status(*memory).permissions(), fs::perms::owner_all);
}

TEST_F(MemoryFolder, GoesWhenTheRunIsGone) {
  const fs::path kept = make_run("kept"), removed = make_run("removed"), replaced = make_run("replaced");
  const auto kept_memory = memory_folder_of(kept, memory_.path());
  memory_folder_of(removed, memory_.path());
  memory_folder_of(replaced, memory_.path());
  memory_.write("stranger/owner", "/nowhere");
  fs::remove(removed);
  fs::rename(replaced, folder_.path() / "old");
  make_run("replaced");
  remove_ownerless_memory(memory_.path());
  EXPECT_EQ(count(), 2u);
  EXPECT_TRUE(fs::exists(*kept_memory));
  EXPECT_TRUE(fs::exists(memory_.path() / "stranger"));
}

TEST_F(MemoryFolder, StaysWhileItIsBeingMade) {
  const fs::path unnamed = *memory_folder_of(make_run("run"), memory_.path());
  fs::remove(unnamed / "owner");
  remove_ownerless_memory(memory_.path());
  EXPECT_TRUE(fs::exists(unnamed));
  fs::last_write_time(unnamed, fs::file_time_type::clock::now() - std::chrono::hours(1));
  remove_ownerless_memory(memory_.path());
  EXPECT_FALSE(fs::exists(unnamed));
}

TEST_F(MemoryFolder, IsRemovedWhenNothingIsInIt) {
  const fs::path memory = *memory_folder_of(make_run("run"), memory_.path());
  memory_.write(memory.filename().string() + "/tiny-0.0", "state");
  remove_if_empty(memory);
  EXPECT_TRUE(fs::exists(memory / "owner"));
  fs::remove(memory / "tiny-0.0");
  remove_if_empty(memory);
  EXPECT_FALSE(fs::exists(memory));
}

TEST_F(MemoryFolder, IsNoneWhereThereIsNoMemory) {
  EXPECT_EQ(memory_folder_of(make_run("run"), "/nowhere"), std::nullopt);
  EXPECT_THAT(error_of([&] { memory_folder_of("/nowhere/run", memory_.path()); }), testing::HasSubstr("/nowhere/run"));
  remove_ownerless_memory("/nowhere");
}

}  // namespace
}  // namespace podium
