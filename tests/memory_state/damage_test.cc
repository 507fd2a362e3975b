// Files as they should not be: the reader says so, and shows the older state where there is one.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>
#include <random>

#include "tests/error_of.h"
#include "tests/memory_state/state_pattern.h"
#include "tests/temporary_folder.h"
#include "worker/base/descriptor.h"
#include "worker/memory_state/header.h"
#include "worker/memory_state/memory_state.h"

namespace podium {
namespace {

constexpr uint64_t kSize = 100;
constexpr int64_t kOlder = 1, kNewer = 2;
constexpr uint64_t kSlotUsed = 64 + kMaximumRunName + kMaximumSettingsHash;

// Two whole files: run-3.1 of step 1, run-3.0 of step 2, in whose second slot nothing is.
class DamagedFile : public testing::Test {
 protected:
  DamagedFile() {
    MemoryState state(folder.path(), "run", 3, "settings", kSize);
    for (int64_t step : {kOlder, kNewer}) {
      state.begin();
      std::fill(state.next().begin(), state.next().end(), number_of(step));
      state.publish(step, text_of({step, 0}));
    }
  }
  // 0: nothing is found.
  int64_t found() const {
    const std::optional<MemoryStateInfo> info = MemoryState::find(folder.path(), "run", 3);
    if (!info) return 0;
    EXPECT_EQ(info->text, text_of({info->step, 0}));
    return info->step;
  }
  Descriptor open(const fs::path& path) const { return Descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC)); }
  void overwrite(const fs::path& path, uint64_t offset, const std::string& bytes) const {
    const Descriptor file = open(path);
    ASSERT_EQ(::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes.size()));
  }
  std::string bytes_at(const fs::path& path, uint64_t offset, size_t count) const {
    const Descriptor file = open(path);
    std::string bytes(count, '\0');
    EXPECT_EQ(::pread(file.get(), bytes.data(), count, static_cast<off_t>(offset)), static_cast<ssize_t>(count));
    return bytes;
  }

  TemporaryFolder folder;
  const fs::path newer = folder.path() / "run-3.0", older = folder.path() / "run-3.1";
};

TEST_F(DamagedFile, AnyByteOfTheHeaderOrTheTextCostsOnlyTheNewerState) {
  ASSERT_EQ(found(), kNewer);
  const std::string header = bytes_at(newer, 0, kSlotUsed), text = text_of({kNewer, 0});
  auto check = [&](uint64_t offset, char byte) {
    overwrite(newer, offset, {static_cast<char>(byte ^ 4)});
    ASSERT_EQ(found(), kOlder) << "byte " << offset;
    overwrite(newer, offset, {byte});
  };
  for (size_t i = 0; i < header.size(); ++i) check(i, header[i]);
  for (size_t i = 0; i < text.size(); ++i) check(text_offset(0) + i, text[i]);
  EXPECT_EQ(found(), kNewer);
}

TEST_F(DamagedFile, AHeaderOfWhichOnlyTheBeginningIsWrittenDoesNotCount) {
  const std::string header = bytes_at(newer, 0, kSlotUsed);
  for (size_t size = 0; size < 64 + 3; ++size) {
    overwrite(newer, 0, header.substr(0, size) + std::string(kSlotUsed - size, '\0'));
    ASSERT_EQ(found(), kOlder) << size << " bytes written";
  }
}

TEST_F(DamagedFile, ATruncatedOrLongerOneDoesNotCount) {
  for (uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{100}, kHeaderBytes - 1, kHeaderBytes, kHeaderBytes + 10,
                        kNumbersOffset, file_bytes(kSize) - 1, file_bytes(kSize) + 1, uint64_t{1} << 40}) {
    const std::string header = bytes_at(newer, 0, kSlotUsed), text = bytes_at(newer, text_offset(0), 100);
    ASSERT_EQ(::truncate(newer.c_str(), static_cast<off_t>(size)), 0);
    EXPECT_EQ(found(), kOlder) << size;
    ASSERT_EQ(::truncate(newer.c_str(), static_cast<off_t>(file_bytes(kSize))), 0);
    overwrite(newer, 0, header);
    overwrite(newer, text_offset(0), text);
    ASSERT_EQ(found(), kNewer);
  }
}

TEST_F(DamagedFile, OfTheWrongSizeIsReplacedAndTheOtherAdopted) {
  ASSERT_EQ(::truncate(newer.c_str(), static_cast<off_t>(file_bytes(kSize) - 5)), 0);
  MemoryState state(folder.path(), "run", 3, "settings", kSize);
  ASSERT_TRUE(state.published());
  EXPECT_EQ(state.published()->step, kOlder);
  EXPECT_TRUE(are_all(state.current(), number_of(kOlder)));
  EXPECT_EQ(fs::file_size(newer), file_bytes(kSize));
  state.begin();
  std::fill(state.next().begin(), state.next().end(), number_of(kNewer));
  state.publish(kNewer, text_of({kNewer, 0}));
  EXPECT_EQ(found(), kNewer);
}

TEST_F(DamagedFile, OfAnotherRunOrOrdinalOrWithAHeaderForAnotherSizeDoesNotCount) {
  for (const SlotContent& content : {SlotContent{{"other", "settings", 9, kSize, "text"}, 3, 99},
                                     SlotContent{{"run", "settings", 9, kSize, "text"}, 4, 99},
                                     SlotContent{{"run", "settings", 9, kSize + 4096, "text"}, 3, 99},
                                     SlotContent{{"run", "settings", 9, kMostNumbers, "text"}, 3, 99}}) {
    std::string file(kNumbersOffset, '\0');
    prepare_slot(file.data(), 1, content);
    confirm_slot(file.data(), 1);
    overwrite(newer, 0, file);
    EXPECT_EQ(found(), kOlder) << content.info.run << content.ordinal;
  }
}

TEST_F(DamagedFile, ThatIsNoFileOrUnreadableIsPassedOver) {
  const fs::path elsewhere = folder.path() / "elsewhere";
  fs::rename(newer, elsewhere);
  EXPECT_EQ(found(), kOlder);
  fs::create_symlink("nowhere", newer);
  EXPECT_EQ(found(), kOlder);
  fs::remove(newer);
  fs::create_symlink(elsewhere, newer);
  EXPECT_EQ(found(), kOlder);
  {
    const MemoryState state(folder.path(), "run", 3, "settings", kSize);
    EXPECT_EQ(state.published()->step, kOlder);
    EXPECT_FALSE(fs::is_symlink(newer));
  }
  fs::remove(newer);
  ASSERT_EQ(::mkfifo(newer.c_str(), 0600), 0);
  EXPECT_EQ(found(), kOlder);
  fs::remove(newer);
  fs::create_directory(newer);
  EXPECT_EQ(found(), kOlder);
  EXPECT_THAT(error_of([&] { MemoryState(folder.path(), "run", 3, "settings", kSize); }),
              testing::HasSubstr(newer.string()));
  fs::remove_all(folder.path());
  EXPECT_EQ(found(), 0);
}

TEST_F(DamagedFile, ThatTheUserMayNotReadIsPassedOver) {
  // Root may read everything: in a process of its own, which gives that up.
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0) {
      for (const fs::path& path : {folder.path(), newer, older})
        if (::chown(path.c_str(), 65534, 65534) != 0) ::_exit(2);
      if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    }
    ::chmod(newer.c_str(), 0);
    ::_exit(found() == kOlder ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(DamagedFile, OfZerosOrGarbageIsNeitherReadNorTrusted) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 50; ++i)
    for (const fs::path& path : {newer, older}) {
      std::string bytes(kHeaderBytes + random() % 200, '\0');
      if (i > 0)
        for (char& byte : bytes) byte = static_cast<char>(random());
      overwrite(path, 0, bytes);
      ASSERT_EQ(found(), path == newer && i == 0 ? kOlder : 0);
    }
  const MemoryState state(folder.path(), "run", 3, "settings", kSize);
  EXPECT_FALSE(state.published());
  EXPECT_TRUE(are_all(state.current(), 0) && are_all(state.next(), 0));
}

TEST_F(DamagedFile, WithPlausibleFieldsOfAbsurdValuesIsPassedOver) {
  std::mt19937_64 random(2);
  const uint64_t extremes[] = {0,
                               1,
                               kSize,
                               std::numeric_limits<uint64_t>::max(),
                               uint64_t{1} << 63,
                               MemoryState::kMaximumText,
                               MemoryState::kMaximumText + 1,
                               kMostNumbers,
                               std::numeric_limits<uint64_t>::max() / 4};
  const std::string header = bytes_at(newer, 0, kHeaderBytes);
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = header;
    // The same slot in both places, each with up to three words replaced.
    damaged.replace(kSlotBytes, kSlotUsed, header, 0, kSlotUsed);
    for (size_t slot = 0; slot < kSlots; ++slot)
      for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
        const uint64_t value = random() % 2 ? extremes[random() % std::size(extremes)] : random();
        const size_t size = random() % 2 ? 4 : 8, at = random() % (64 / size) * size;
        damaged.replace(slot * kSlotBytes + at, size, reinterpret_cast<const char*>(&value), size);
      }
    overwrite(newer, 0, damaged);
    const int64_t step = found();
    ASSERT_TRUE(step == kOlder || step == kNewer) << i;
  }
}

}  // namespace
}  // namespace podium
