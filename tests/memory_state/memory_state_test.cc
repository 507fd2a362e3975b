#include "worker/memory_state/memory_state.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "tests/error_of.h"
#include "tests/memory_state/state_pattern.h"
#include "tests/memory_state/writer_process.h"
#include "tests/temporary_folder.h"
#include "worker/memory_state/state_folder.h"

namespace podium {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

constexpr uint64_t kSize = 1000;

void publish(MemoryState& state, int64_t step, const std::string& text = "text") {
  state.begin();
  std::fill(state.next().begin(), state.next().end(), number_of(step));
  state.publish(step, text);
}

class MemoryStateTest : public testing::Test {
 protected:
  std::unique_ptr<MemoryState> open(const std::string& settings = "settings", uint64_t size = kSize) {
    return std::make_unique<MemoryState>(path, "run", 0, settings, size);
  }
  std::optional<MemoryStateInfo> find() { return MemoryState::find(path, "run", 0); }
  bool exists(const std::string& name) { return fs::exists(path / name); }

  TemporaryFolder folder;
  const fs::path path = folder.path() / "states";
};

TEST_F(MemoryStateTest, HoldsNothingButZerosAtFirst) {
  EXPECT_FALSE(find());
  auto state = open();
  EXPECT_FALSE(state->published());
  EXPECT_FALSE(find());
  EXPECT_EQ(state->current().size(), kSize);
  EXPECT_EQ(state->next().size(), kSize);
  EXPECT_NE(state->current().data(), state->next().data());
  EXPECT_TRUE(are_all(state->current(), 0) && are_all(state->next(), 0));
  for (std::span<float> numbers : {state->current(), state->next()})
    EXPECT_EQ(reinterpret_cast<uintptr_t>(numbers.data()) % 64, 0u);
}

TEST_F(MemoryStateTest, ReservesAllItsMemoryBeforeItIsTouched) {
  constexpr uint64_t kLarge = 1 << 20;
  auto state = open("settings", kLarge);
  for (const char* name : {"run-0.0", "run-0.1"}) {
    struct stat status;
    ASSERT_EQ(::stat((path / name).c_str(), &status), 0);
    EXPECT_GE(static_cast<uint64_t>(status.st_blocks) * 512, kLarge * sizeof(float)) << name;
  }
}

TEST_F(MemoryStateTest, IsFoundAndAdoptedAsItWasPublished) {
  {
    auto state = open();
    for (int64_t step = 1; step <= 5; ++step) publish(*state, step, fmt::format("text {}", step));
  }
  const std::optional<MemoryStateInfo> found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->run, "run");
  EXPECT_EQ(found->settings_hash, "settings");
  EXPECT_EQ(found->step, 5);
  EXPECT_EQ(found->size, kSize);
  EXPECT_EQ(found->text, "text 5");
  auto state = open();
  ASSERT_TRUE(state->published());
  EXPECT_EQ(state->published()->step, 5);
  EXPECT_EQ(state->published()->text, "text 5");
  EXPECT_TRUE(are_all(state->current(), number_of(5)));
  publish(*state, 6);
  EXPECT_EQ(find()->step, 6);
}

TEST_F(MemoryStateTest, OfWhichTheLastPublishedIsTheNewestWhateverItsStep) {
  auto state = open();
  publish(*state, 9);
  publish(*state, 3);
  EXPECT_EQ(find()->step, 3);
  state.reset();
  EXPECT_EQ(open()->published()->step, 3);
}

TEST_F(MemoryStateTest, KeepsThePublishedStateWhileTheNextIsWritten) {
  auto state = open();
  publish(*state, 1);
  publish(*state, 2);
  state->begin();
  std::fill(state->next().begin(), state->next().end(), -1.0f);
  EXPECT_TRUE(are_all(state->current(), number_of(2)));
  EXPECT_EQ(find()->step, 2);
  state.reset();
  state = open();
  EXPECT_EQ(state->published()->step, 2);
  EXPECT_TRUE(are_all(state->current(), number_of(2)));
}

TEST_F(MemoryStateTest, ChangesTheTextAloneAsOftenAsAskedFor) {
  auto state = open();
  publish(*state, 1, "a");
  publish(*state, 2, "b");
  const float* numbers = state->current().data();
  for (std::string text : {"c", "", "a longer one", "d"}) {
    state->publish_text(text);
    EXPECT_EQ(state->published()->text, text);
    EXPECT_EQ(find()->text, text);
    EXPECT_EQ(find()->step, 2);
  }
  EXPECT_EQ(state->current().data(), numbers);
  EXPECT_TRUE(are_all(state->current(), number_of(2)));
  publish(*state, 3, "e");
  EXPECT_EQ(find()->text, "e");
}

TEST_F(MemoryStateTest, TakesTextsUpToTheMaximumAndRefusesLongerOnes) {
  auto state = open();
  std::string text(MemoryState::kMaximumText, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 2654435761u >> 24);
  publish(*state, 1, text);
  EXPECT_TRUE(find()->text == text);
  text.back() ^= 1;
  state->publish_text(text);
  EXPECT_TRUE(find()->text == text);
  EXPECT_TRUE(are_all(state->current(), number_of(1)));
  text += 'x';
  EXPECT_THAT(error_of([&] { state->publish_text(text); }), AllOf(HasSubstr("4194305"), HasSubstr("4194304")));
  EXPECT_NE(error_of([&] { publish(*state, 2, text); }), "");
  EXPECT_EQ(find()->step, 1);
  publish(*state, 2, "short");
  EXPECT_EQ(find()->step, 2);
}

TEST_F(MemoryStateTest, OfOtherSettingsOrAnotherSizeIsReplacedByZeros) {
  publish(*open(), 7);
  for (auto [settings, size] : {std::pair("other", kSize), std::pair("other", 3 * kSize), std::pair("other", kSize)}) {
    auto state = open(settings, size);
    EXPECT_FALSE(state->published());
    EXPECT_FALSE(find());
    EXPECT_TRUE(are_all(state->current(), 0) && are_all(state->next(), 0));
    EXPECT_EQ(state->next().size(), size);
    publish(*state, 8);
  }
}

TEST_F(MemoryStateTest, BelongsToItsRunAndOrdinal) {
  publish(*open(), 7);
  EXPECT_FALSE(MemoryState::find(path, "run", 1));
  EXPECT_FALSE(MemoryState::find(path, "ru", 0));
  MemoryState other(path, "run", 1, "settings", kSize);
  EXPECT_FALSE(other.published());
  // A copy under another's name does not count.
  fs::copy_file(path / "run-0.1", path / "stolen-0.1");
  EXPECT_FALSE(MemoryState::find(path, "stolen", 0));
}

TEST_F(MemoryStateTest, RefusesRunNamesThatAreNoFileNames) {
  for (std::string run : {std::string(), std::string("a/b"), std::string(".."), std::string("a b"), std::string("ção"),
                          std::string(201, 'x'), std::string("a\0b", 3)})
    EXPECT_NE(error_of([&] { MemoryState(path, run, 0, "settings", kSize); }), "") << run;
  for (std::string run : {std::string("a-1"), std::string("A_b.c-0.1"), std::string(200, 'x')}) {
    MemoryState state(path, run, 4294967295, "settings", kSize);
    publish(state, 1);
    EXPECT_TRUE(MemoryState::find(path, run, 4294967295));
  }
}

TEST_F(MemoryStateTest, MakesAFolderForItsOwnerAndRefusesAnothers) {
  publish(*open(), 1);
  struct stat status;
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat((path / "run-0.0").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's folder";
  ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
  EXPECT_THAT(error_of([&] { open(); }), AllOf(HasSubstr(path.string()), HasSubstr("65534")));
  ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
  // A file of another user's is replaced, not trusted.
  for (const char* name : {"run-0.0", "run-0.1"}) ASSERT_EQ(::chown((path / name).c_str(), 65534, 65534), 0);
  EXPECT_FALSE(find());
  EXPECT_FALSE(open()->published());
  // A link that another user made could lead anywhere.
  const fs::path link = folder.path() / "link";
  fs::create_directory_symlink(path, link);
  ASSERT_EQ(::lchown(link.c_str(), 65534, 65534), 0);
  EXPECT_THAT(error_of([&] { MemoryState(link, "run", 0, "settings", kSize); }), HasSubstr(link.string()));
}

TEST_F(MemoryStateTest, OfAnEarlierRunIsRemovedUnlessItIsInUse) {
  MemoryState(path, "old", 0, "settings", kSize);
  MemoryState(path, "run-1", 0, "settings", kSize);
  MemoryState(path, "old", 1, "settings", kSize);
  MemoryState(path, "old", 10, "settings", kSize);
  publish(*open(), 1);
  const MemoryState in_use(path, "busy", 0, "settings", kSize);
  std::ofstream(path / "something else") << "x";
  MemoryState::remove_strangers(path, "run", 0);
  EXPECT_EQ(find()->step, 1);
  for (std::string name : {"old-0.0", "old-0.1", "old-0.lock", "run-1-0.0", "run-1-0.1", "run-1-0.lock"})
    EXPECT_FALSE(exists(name)) << name;
  for (std::string name : {"old-1.0", "old-1.1", "old-10.0", "busy-0.0", "busy-0.1", "busy-0.lock", "run-0.0",
                           "run-0.1", "something else"})
    EXPECT_TRUE(exists(name)) << name;
  MemoryState::remove_strangers(folder.path() / "absent", "run", 0);
}

TEST_F(MemoryStateTest, IsGoneWhenItIsRemoved) {
  publish(*open(), 1);
  MemoryState other(path, "run", 1, "settings", kSize);
  publish(other, 2);
  MemoryState::remove(path, "run", 0);
  EXPECT_FALSE(find());
  EXPECT_FALSE(exists("run-0.0") || exists("run-0.1") || exists("run-0.lock"));
  EXPECT_EQ(MemoryState::find(path, "run", 1)->step, 2);
  // Under whoever has it open, too: that one goes on in memory that nobody else sees.
  MemoryState::remove(path, "run", 1);
  EXPECT_FALSE(MemoryState::find(path, "run", 1));
  publish(other, 3);
  EXPECT_FALSE(MemoryState::find(path, "run", 1));
  MemoryState::remove(path, "run", 7);
  MemoryState::remove(folder.path() / "absent", "run", 0);
  EXPECT_FALSE(exists("run-7.lock"));
}

TEST_F(MemoryStateTest, IsOpenInOneProcessAtATime) {
  WriterProcess writer(path, kSize);
  ASSERT_TRUE(writer.read_report());
  EXPECT_THAT(error_of([&] { MemoryState(path, "run", 0, "settings", kSize, milliseconds(30)); }),
              AllOf(HasSubstr((path / "run-0.lock").string()), HasSubstr("30 ms")));
  // A dying one is waited for.
  writer.process().send(SIGKILL);
  EXPECT_TRUE(open()->published());
}

TEST_F(MemoryStateTest, WhoWaitsForALockThatIsRemovedGetsThatOfTheNewFile) {
  const fs::path lock_path = folder.path() / "lock";
  Descriptor first = lock_file(lock_path, milliseconds(0));
  ASSERT_TRUE(first.is_open());
  EXPECT_FALSE(lock_file(lock_path, milliseconds(1)).is_open());
  std::thread removal([&] {
    std::this_thread::sleep_for(milliseconds(20));
    fs::remove(lock_path);
    first = Descriptor();
  });
  const Descriptor second = lock_file(lock_path, MemoryState::kLockWait);
  removal.join();
  ASSERT_TRUE(second.is_open());
  EXPECT_FALSE(lock_file(lock_path, milliseconds(1)).is_open()) << "two have the lock";
}

TEST_F(MemoryStateTest, ThatTheVolumeIsTooSmallForIsAnErrorAtOnceAndLeavesNoFile) {
  const fs::path volume = folder.path() / "volume";
  fs::create_directory(volume);
  if (::mount("tmpfs", volume.c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "no right to mount a small tmpfs here: " << std::strerror(errno);
  struct Unmount {
    const fs::path& path;
    ~Unmount() { EXPECT_EQ(::umount2(path.c_str(), MNT_DETACH), 0); }
  } unmount{volume};
  const fs::path states = volume / "states";
  auto open_here = [&](uint64_t size) { return std::make_unique<MemoryState>(states, "run", 0, "settings", size); };
  // Two files of 400 KiB and the room for header and text do not fit: 2 * (400 + 4 + 128) KiB.
  EXPECT_THAT(error_of([&] { open_here(100 << 10); }),
              AllOf(HasSubstr(states.string()), HasSubstr("needs 1.04 MiB"), HasSubstr("1.00 MiB are free")));
  EXPECT_FALSE(fs::exists(states / "run-0.0") || fs::exists(states / "run-0.1"));
  {
    auto state = open_here(80 << 10);
    for (int64_t step = 1; step <= 4; ++step) publish(*state, step, std::string(65'536, 'x'));
    // More text than there is room for: an Error too, and the newest state stays.
    EXPECT_THAT(error_of([&] { publish(*state, 5, std::string(1 << 20, 'x')); }), HasSubstr("needs 1.00 MiB"));
    EXPECT_THAT(error_of([&] { state->publish_text(std::string(1 << 20, 'x')); }), HasSubstr("needs 1.00 MiB"));
    EXPECT_EQ(MemoryState::find(states, "run", 0)->step, 4);
    publish(*state, 5, "short");
  }
  EXPECT_EQ(open_here(80 << 10)->published()->step, 5);
  // What is replaced does not count against its own successor.
  EXPECT_FALSE(open_here(85 << 10)->published());
}

TEST(MemoryStateWithoutAVolume, IsOneBuffer) {
  MemoryState state(kSize);
  EXPECT_FALSE(state.published());
  EXPECT_EQ(state.current().data(), state.next().data());
  EXPECT_EQ(state.current().size(), kSize);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(state.current().data()) % 64, 0u);
  EXPECT_TRUE(are_all(state.current(), 0));
  publish(state, 4, "a");
  EXPECT_EQ(state.published()->step, 4);
  EXPECT_EQ(state.published()->text, "a");
  EXPECT_TRUE(are_all(state.current(), number_of(4)));
  state.publish_text("b");
  EXPECT_EQ(state.published()->text, "b");
  EXPECT_EQ(state.current().data(), state.next().data());
}

TEST_F(MemoryStateTest, EndsTheProcessThatPublishesWithoutBegin) {
  MemoryState state(kSize);
  EXPECT_DEATH(state.publish(1, ""), "without begin");
  EXPECT_DEATH(state.publish_text(""), "before publish");
}

}  // namespace
}  // namespace podium
