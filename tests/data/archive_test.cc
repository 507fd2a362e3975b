#include "worker/data/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <minizip/zip.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <random>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/data/tar.h"

namespace podium {
namespace {

using testing::HasSubstr;
using Members = std::vector<std::pair<std::string, std::string>>;

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.erase(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  packed.resize(ZSTD_compress2(context.get(), packed.data(), packed.size(), text.data(), text.size()));
  return packed;
}

std::string tar_header(const std::string& name, size_t size, char type) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  auto octal = [&](size_t at, int digits, uint64_t value) {
    header.replace(at, static_cast<size_t>(digits), fmt::format("{:0{}o}", value, digits));
  };
  octal(100, 7, 0644);
  octal(124, 11, size);
  header[156] = type;
  header.replace(257, 8,
                 std::string("ustar\0"
                             "00",
                             8));
  header.replace(148, 8, 8, ' ');
  uint64_t sum = 0;
  for (unsigned char c : header) sum += c;
  octal(148, 6, sum);
  header[154] = '\0';
  return header;
}

std::string tar_entry(const std::string& name, const std::string& content, char type = '0') {
  std::string entry = tar_header(name, content.size(), type) + content;
  entry.resize((entry.size() + 511) / 512 * 512);
  return entry;
}

std::string tar(const Members& members) {
  std::string archive = tar_entry("folder/", "", '5');
  for (const auto& [name, content] : members) archive += tar_entry(name, content);
  return archive + std::string(1024, '\0');
}

std::string zip(const fs::path& path, const Members& members) {
  zipFile archive = zipOpen64(path.c_str(), APPEND_STATUS_CREATE);
  for (const auto& [name, content] : members) {
    zip_fileinfo info{};
    zipOpenNewFileInZip64(archive, name.c_str(), &info, nullptr, 0, nullptr, 0, nullptr, Z_DEFLATED, 6, 0);
    zipWriteInFileInZip(archive, content.data(), static_cast<unsigned>(content.size()));
    zipCloseFileInZip(archive);
  }
  zipClose(archive, nullptr);
  return read_file(path);
}

class Archive : public testing::Test {
 protected:
  Archive() {
    options_.cache_folder = folder_.path() / "cache";
    std::mt19937 random(7);
    for (int i = 0; i < 60000; ++i) text_ += fmt::format("{} ", random() % 1000);
  }
  std::string unpacked(const fs::path& path) { return read_file(unpack(path, options_)); }
  int files_in_cache() {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "cache"))
      count += entry.is_regular_file();
    return count;
  }

  TemporaryFolder folder_;
  UnpackOptions options_;
  std::string text_;
};

TEST_F(Archive, UnpacksEachFormat) {
  const std::string packed_tar = tar({{"folder/a.tsv", text_}});
  EXPECT_EQ(unpacked(folder_.write("a.tsv", text_)), text_);
  EXPECT_EQ(unpacked(folder_.write("a.tsv.gz", gzip(text_))), text_);
  EXPECT_EQ(unpacked(folder_.write("two.tsv.GZ", gzip(text_) + gzip("more"))), text_ + "more");
  EXPECT_EQ(unpacked(folder_.write("a.tsv.zst", zstd(text_))), text_);
  EXPECT_EQ(unpacked(folder_.write("two.tsv.zst", zstd(text_) + zstd("more"))), text_ + "more");
  EXPECT_EQ(unpacked(folder_.write("a.tar", packed_tar)), text_);
  EXPECT_EQ(unpacked(folder_.write("a.tar.gz", gzip(packed_tar))), text_);
  EXPECT_EQ(unpacked(folder_.write("b.tgz", gzip(packed_tar + "x"))), text_);
  EXPECT_EQ(unpacked(folder_.write("a.tar.zst", zstd(packed_tar))), text_);
  zip(folder_.path() / "a.zip", {{"folder/a.tsv", text_}});
  EXPECT_EQ(unpacked(folder_.path() / "a.zip"), text_);
}

TEST_F(Archive, UnpackedFilesAreUsedAgainUntilTheArchiveChanges) {
  const fs::path path = folder_.write("a.gz", gzip("one"));
  const fs::path first = unpack(path, options_);
  const auto written = fs::last_write_time(first);
  EXPECT_EQ(unpack(path, options_), first);
  EXPECT_EQ(fs::last_write_time(first), written);
  folder_.write("a.gz", gzip("two"));
  EXPECT_EQ(unpacked(path), "two");
}

TEST_F(Archive, TakesTheMemberNamedAndAsksForOneWhenThereAreSeveral) {
  const Members members{{"a.tsv", "first"}, {"b.tsv", "second"}};
  const fs::path tar_path = folder_.write("m.tar.gz", gzip(tar(members)));
  const fs::path zip_path = folder_.path() / "m.zip";
  zip(zip_path, members);
  for (const fs::path& path : {tar_path, zip_path}) {
    EXPECT_THAT(error_of([&] { unpacked(path); }), HasSubstr("holds more than one file (a.tsv, b.tsv, …)"));
    options_.member = "b.tsv";
    EXPECT_EQ(unpacked(path), "second");
    options_.member = "c.tsv";
    EXPECT_THAT(error_of([&] { unpacked(path); }), HasSubstr("holds no 'c.tsv'"));
    options_.member = "";
  }
}

TEST_F(Archive, NamesThatClimbOutOfTheFolderAreOnlyNames) {
  const Members members{{"../../../escaped.tsv", "x"}};
  EXPECT_EQ(unpacked(folder_.write("m.tar", tar(members))), "x");
  zip(folder_.path() / "m.zip", members);
  EXPECT_EQ(unpacked(folder_.path() / "m.zip"), "x");
  EXPECT_EQ(files_in_cache(), 2);
  EXPECT_FALSE(fs::exists(folder_.path().parent_path().parent_path() / "escaped.tsv"));
}

TEST_F(Archive, ReadsLongNamesOfGnuAndPax) {
  const std::string name = std::string(150, 'n') + "/a.tsv";
  const std::string record = fmt::format("{} path={}\n", 10 + name.size(), name);
  ASSERT_EQ(record.size(), 10 + name.size());
  options_.member = name;
  const std::string end(1024, '\0');
  const std::string other = tar_entry("other", "y");
  EXPECT_EQ(unpacked(folder_.write("g.tar",
                                   tar_entry("././@LongLink", name + '\0', 'L') + tar_entry("n", "x") + other + end)),
            "x");
  EXPECT_EQ(unpacked(folder_.write("p.tar", tar_entry("pax", record, 'x') + tar_entry("n", "x") + other + end)), "x");
  EXPECT_THAT(error_of([&] { unpacked(folder_.write("b.tar", tar_entry("pax", "999 path=x\n", 'x') + end)); }),
              HasSubstr("b.tar: a broken pax header"));
}

TEST_F(Archive, StopsAtTheBoundOfABomb) {
  const std::string zeros(3 << 20, '\0');
  options_.max_unpacked_bytes = 1 << 20;
  zip(folder_.path() / "bomb.zip", {{"a", zeros}});
  for (const fs::path& path : {folder_.write("bomb.gz", gzip(zeros)), folder_.write("bomb.zst", zstd(zeros)),
                               folder_.write("bomb.tgz", gzip(tar({{"a", zeros}}))), folder_.path() / "bomb.zip"}) {
    const std::string error = error_of([&] { unpacked(path); });
    EXPECT_EQ(error, path.string() + ": unpacks to more than the 1048576 bytes allowed here");
  }
  EXPECT_EQ(files_in_cache(), 0);
}

TEST_F(Archive, EveryTruncationIsAnErrorThatNamesTheFileAndLeavesNothing) {
  const std::string content = text_.substr(0, 5000);
  const Members members{{"a", content}};
  const std::vector<std::pair<std::string, std::string>> archives{
      {"t.gz", gzip(content)},
      {"t.zst", zstd(content)},
      {"t.tar", tar(members)},
      {"t.tar.gz", gzip(tar(members))},
      {"t.zip", zip(folder_.path() / "whole.zip", members)}};
  std::mt19937 random(3);
  for (const auto& [name, bytes] : archives) {
    // The archives end before their last bytes do: a tar with its first zero block, a zip before the length of its
    // comment.
    const size_t tail = name == "t.tar" ? 1024 : name == "t.zip" ? 4 : 1;
    const size_t last = bytes.size() - tail;
    for (int round = 0; round < 60; ++round) {
      const size_t size = round == 0 ? 0 : round == 1 ? last : random() % last;
      const fs::path path = folder_.write(name, bytes.substr(0, size));
      ASSERT_THAT(error_of([&] { unpacked(path); }), HasSubstr(path.string())) << name << " cut at " << size;
    }
  }
  EXPECT_EQ(files_in_cache(), 0);
}

TEST_F(Archive, DamagedBytesNeverCrashAndNeverPassWhereThereIsAChecksum) {
  const std::string content = text_.substr(0, 3000);
  const Members members{{"a", content}};
  const std::vector<std::pair<std::string, std::string>> archives{
      {"d.gz", gzip(content)},
      {"d.zst", zstd(content)},
      {"d.tar", tar(members)},
      {"d.zip", zip(folder_.path() / "whole.zip", members)}};
  std::mt19937 random(5);
  for (const auto& [name, bytes] : archives) {
    for (int round = 0; round < 150; ++round) {
      std::string damaged = bytes;
      for (int flips = 0; flips < 1 + round % 4; ++flips)
        damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
      std::string result;
      const std::string error = error_of([&] { result = unpacked(folder_.write(name, damaged)); });
      if (error.empty() && name != "d.tar") {
        ASSERT_EQ(result, content) << name;
      }
    }
  }
}

TEST_F(Archive, PiecesOfAnySizeGiveTheSameMember) {
  const std::string archive = tar({{"a", text_}});
  for (size_t piece : {1u, 7u, 511u, 512u, 513u, 5000u}) {
    std::string result;
    TarExtractor extractor("", [&](std::string_view part) { result += part; });
    for (size_t at = 0; at < archive.size(); at += piece) extractor.feed(std::string_view(archive).substr(at, piece));
    extractor.finish();
    ASSERT_EQ(result, text_);
  }
}

}  // namespace
}  // namespace podium
