#include "worker/snapshot/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"
#include "worker/base/hash.h"
#include "worker/json/strict_json.h"
#include "worker/snapshot/snapshot_folder.h"
#include "worker/snapshot/snapshot_name.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

using testing::HasSubstr;

Manifest example() {
  return {"ted",
          500,
          7,
          3,
          {{"config.json", 12, 0x0a0b0c0d, sha256_hex("a")}, {"model.safetensors", 0, 0, sha256_hex("")}}};
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InvalidSnapshot& error) {
    return error.what();
  }
  return "(no error)";
}

TEST(Manifest, IsReadAsItWasWritten) {
  const std::string text = manifest_text(example());
  EXPECT_EQ(parse_manifest(text, "manifest.json"), example());
  EXPECT_THAT(text, HasSubstr("\"crc32c\": \"0a0b0c0d\""));
}

TEST(Manifest, RefusesEveryTruncation) {
  const std::string text = manifest_text(example());
  // The last byte is a line feed, which it does without.
  for (size_t size = 0; size + 1 < text.size(); ++size)
    EXPECT_THROW(parse_manifest(text.substr(0, size), "manifest.json"), InvalidSnapshot) << size;
}

TEST(Manifest, SaysWhatIsWrong) {
  const std::pair<std::pair<std::string, std::string>, std::string> cases[] = {
      {{"podium-snapshot", "other-snapshot"}, "format \"other-snapshot\""},
      {{"\"version\": 1", "\"version\": 2"}, "version 2, this program reads 1"},
      {{"\"step\": 500", "\"step\": -1"}, "\"step\" is no whole number"},
      {{"\"step\": 500", "\"step\": 1e3"}, "\"step\" is no whole number"},
      {{"\"step\": 500,", ""}, "\"step\" is missing"},
      {{"\"epoch\"", "\"step\""}, "\"step\" is there twice"},
      {{"0a0b0c0d", "0a0b0c0"}, "config.json: crc32c is not 8"},
      {{"0a0b0c0d", "0A0B0C0D"}, "config.json: crc32c is not 8"},
      {{"model.safetensors", "config.json"}, "config.json is there twice"},
      {{"model.safetensors", "../../etc/passwd"}, "\"../../etc/passwd\" is no file of a snapshot"},
      {{"model.safetensors", "manifest.json"}, "is no file of a snapshot"},
      {{"\"ted\"", "\"\xff\""}, "not valid JSON at byte"},
      {{"\"ted\"", "[[[[[[[[[[1]]]]]]]]]]"}, "nested more than"},
  };
  for (const auto& [change, expected] : cases) {
    std::string text = manifest_text(example());
    text.replace(text.find(change.first), change.first.size(), change.second);
    const std::string error = error_of([&] { parse_manifest(text, "run/manifest.json"); });
    EXPECT_THAT(error, HasSubstr(expected));
    EXPECT_THAT(error, testing::StartsWith("run/manifest.json: "));
  }
}

TEST(StrictJson, BoundsNumbersOfValues) {
  EXPECT_EQ(parse_strict_json("[1,2,3]", "x", {.values = 3}).size(), 3u);
  EXPECT_THROW(parse_strict_json("[1,2,3,4]", "x", {.values = 3}), Error);
  EXPECT_THROW(parse_strict_json("1e999", "x"), Error);
  EXPECT_THROW(parse_strict_json("", "x"), Error);
  EXPECT_THROW(parse_strict_json("{} {}", "x"), Error);
}

// The ends of a range are not rounded to what a double holds.
TEST(StrictJson, ReadsIntegersExactly) {
  constexpr int64_t kHigh = int64_t{1} << 60;
  const auto object = parse_strict_json(
      R"({"high":1152921504606846976,"above":1152921504606846977,"largest":9223372036854775807,"unsigned":9223372036854775808,
          "low":-9223372036854775808,"real":1.0})",
      "x");
  EXPECT_EQ(json_integer(object, "high", 0, kHigh, "x"), kHigh);
  EXPECT_EQ(json_integer(object, "largest", INT64_MIN, INT64_MAX, "x"), INT64_MAX);
  EXPECT_EQ(json_integer(object, "low", INT64_MIN, INT64_MAX, "x"), INT64_MIN);
  EXPECT_THROW(json_integer(object, "above", 0, kHigh, "x"), Error);
  EXPECT_THROW(json_integer(object, "low", INT64_MIN + 1, INT64_MAX, "x"), Error);
  for (const char* key : {"unsigned", "real"})
    EXPECT_THROW(json_integer(object, key, INT64_MIN, INT64_MAX, "x"), Error) << key;
}

TEST(StrictJson, SurvivesAnyDepth) {
  EXPECT_THROW(parse_strict_json(std::string(10'000'000, '['), "x"), Error);
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_THROW(parse_strict_json(objects, "x"), Error);
}

TEST(SnapshotName, HasOneSpellingAndSortsByNumber) {
  EXPECT_EQ((SnapshotName{500, {}}.text()), "step-000500");
  EXPECT_EQ((SnapshotName{1234567, {{7, 3}}}.text()), "step-1234567.e7g3");
  for (std::string text :
       {"step-000000", "step-999999", "step-1000000", "step-000500.e0g1", "step-18446744073709551615"})
    EXPECT_EQ(SnapshotName::parse(text).value().text(), text);
  for (std::string text :
       {"", "step-", "step-500", "step-0000500", "step-0001000000", "step-000500.", "step-000500.e1",
        "step-000500.e01g1", "step-000500.e0g1x", "step--00500", "step-+00500", "best", "step-18446744073709551616"})
    EXPECT_FALSE(SnapshotName::parse(text)) << text;
  EXPECT_LT(SnapshotName::parse("step-999999"), SnapshotName::parse("step-1000000"));
  EXPECT_LT(SnapshotName::parse("step-000500"), SnapshotName::parse("step-000500.e0g1"));
  EXPECT_LT(SnapshotName::parse("step-000500.e0g9"), SnapshotName::parse("step-000500.e0g10"));
}

TEST(SnapshotFolder, IsVerifiedWhereverItWasCopied) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "copy";
  LocalStore store(path);
  MemorySource content("weights");
  store.create_if_absent("model.safetensors", content);
  EXPECT_FALSE(verify_snapshot_folder(path).manifest) << "without a manifest there is nothing to verify";
  Manifest manifest{"ted", 5, 0, 0, {describe("model.safetensors", content)}};
  store.create_if_absent(kManifestName, MemorySource(manifest_text(manifest)));
  fs::create_directory_symlink("copy", folder.path() / "latest");
  SnapshotFolder found = verify_snapshot_folder(folder.path() / "latest");
  EXPECT_EQ(found.manifest, manifest);
  EXPECT_EQ(found.path, fs::canonical(path));
  write_file_atomically(path / "model.safetensors", "Weights");
  EXPECT_THAT(error_of([&] { verify_snapshot_folder(path); }),
              testing::AllOf(HasSubstr(path.string()), HasSubstr("model.safetensors: CRC32C")));
}

TEST(SnapshotFolder, ThatIsMissingOrAFileIsNamed) {
  TemporaryFolder folder;
  EXPECT_THROW(verify_snapshot_folder(folder.path() / "none"), Error);
  write_file_atomically(folder.path() / "file", "x");
  EXPECT_THROW(verify_snapshot_folder(folder.path() / "file"), Error);
}

}  // namespace
}  // namespace podium
