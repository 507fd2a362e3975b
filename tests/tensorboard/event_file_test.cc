// The bytes are those that TensorBoard (2.21) writes itself; tests/oracles/read_events.py reads a run's with it.
#include "worker/tensorboard/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/temporary_folder.h"
#include "worker/base/hash.h"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string hex(std::string_view bytes) {
  std::string text;
  for (unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

TEST(Event, ScalarsAreTheBytesOfTheProtocolBuffers) {
  EXPECT_EQ(hex(version_event(1.5)), "09000000000000f83f1a0d627261696e2e4576656e743a32");
  EXPECT_EQ(hex(scalar_event({1.5, 300}, "loss", 0.5f)), "09000000000000f83f10ac022a0d0a0b0a046c6f7373150000003f");
}

TEST(Event, RecordsHaveMaskedChecksums) {
  const std::string record = tf_record("abc");
  EXPECT_EQ(record.size(), 8u + 4 + 3 + 4);
  EXPECT_EQ(hex(record), "0300000000000000b099490e6162636e57f121");
}

TEST(Event, TextsAndImagesAreGolden) {
  EXPECT_EQ(sha256_hex(text_event({1.5, 2}, "settings", "*a*: b")),
            "1ca9b5b856af2082cf0b2e353fd664c8581aaee535bee5e167f6ddc0c7e59569");
  EXPECT_EQ(sha256_hex(image_event({1.5, 2}, "attention", "no real png", 7, 5)),
            "efb00a37e83b76c3a74e3fa4a6005ada14e071e6629401ce3e8bf8e4f1c0d01d");
}

std::vector<fs::path> files_in(const fs::path& folder) {
  return {fs::directory_iterator(folder), fs::directory_iterator()};
}

TEST(EventFile, BeginsWithItsVersionAndHoldsWhatCame) {
  const TemporaryFolder folder;
  std::vector<std::string> warnings;
  EventFile file(folder.path() / "deep/tensorboard", [&](const std::string& text) { warnings.push_back(text); });
  EXPECT_FALSE(fs::exists(folder.path() / "deep"));
  file.scalar(1, "train/loss", 2.5);
  file.scalar(2, "train/loss", 2.25);
  const std::vector<fs::path> files = files_in(folder.path() / "deep/tensorboard");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_THAT(files[0].filename().string(),
              testing::MatchesRegex("events\\.out\\.tfevents\\.[0-9]{10}\\..+\\.[0-9]+\\.[0-9]+"));
  const std::string bytes = read_file(files[0]);
  EXPECT_THAT(bytes, HasSubstr("brain.Event:2"));
  size_t records = 0;
  for (size_t at = 0; at < bytes.size(); ++records) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data() + at, sizeof length);
    ASSERT_EQ(tf_record(bytes.substr(at + 12, length)), bytes.substr(at, length + 16));
    at += length + 16;
  }
  EXPECT_EQ(records, 3u);
  EXPECT_THAT(warnings, ElementsAre());
}

TEST(EventFile, WithoutAFolderNothingIsWritten) {
  EventFile file("", [](const std::string&) { FAIL(); });
  file.scalar(1, "loss", 1);
  EXPECT_FALSE(file.is_open());
}

TEST(EventFile, ADiskThatRefusesCostsOneWarning) {
  const TemporaryFolder folder;
  folder.write("file", "");
  std::vector<std::string> warnings;
  EventFile file(folder.path() / "file/tensorboard", [&](const std::string& text) { warnings.push_back(text); });
  for (int i = 0; i < 3; ++i) file.scalar(i, "loss", 1);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("no more curves for TensorBoard")));
}

}  // namespace
}  // namespace podium
