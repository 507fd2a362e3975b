#include <gtest/gtest.h>

#include <numeric>

#include "worker/base/file.h"
#include "worker/base/hash.h"
#include "worker/base/thread_pool.h"
#include "worker/tensor/arena.h"

namespace podium {
namespace {

TEST(Hash, Crc32cMatchesTheVectorsOfRfc3720) {
  EXPECT_EQ(crc32c("123456789", 9), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0').data(), 32), 0x8A9136AAu);
  EXPECT_EQ(crc32c("6789", 4, crc32c("12345", 5)), 0xE3069283u);
}

TEST(Hash, Crc32cOfTwoTextsIsThatOfBoth) {
  std::string text(70'000, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 2654435761u >> 24);
  for (size_t begin : {size_t{0}, size_t{1}, size_t{7}, size_t{40'000}, text.size() - 1, text.size()}) {
    const std::string first = text.substr(0, begin), second = text.substr(begin);
    EXPECT_EQ(crc32c_combined(crc32c(first.data(), first.size()), crc32c(second.data(), second.size()), second.size()),
              crc32c(text.data(), text.size()))
        << begin;
  }
}

TEST(Hash, Sha256MatchesFips180) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ThreadPool, RunsEveryPieceOnceForAnyNumberOfThreads) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<int> seen(97, 0);
      pool.parallel_for(97, [&](int64_t i) { ++seen[i]; });
      ASSERT_EQ(seen, std::vector<int>(97, 1));
    }
  }
}

TEST(ThreadPool, ThrowsAgainWhatAPieceThrows) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.parallel_for(10,
                                 [](int64_t i) {
                                   if (i == 3) throw Error("piece {}", i);
                                 }),
               Error);
  int64_t sum = 0;
  pool.parallel_for(1, [&](int64_t) { sum = 7; });
  EXPECT_EQ(sum, 7);
}

TEST(File, ReadingNamesThePathAndTheLimit) {
  fs::path path = fs::path(testing::TempDir()) / "podium_file_test";
  write_file_atomically(path, "hello");
  EXPECT_EQ(read_file(path), "hello");
  try {
    read_file(path, 4);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(path.string()));
  }
  fs::remove(path);
  EXPECT_THROW(read_file(path), Error);
}

TEST(File, AnUnfinishedWriterLeavesNothing) {
  fs::path path = fs::path(testing::TempDir()) / "podium_writer_test";
  {
    FileWriter writer(path);
    writer.write("x", 1);
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(Arena, AMeasuredPlanFitsExactly) {
  auto plan = [](Arena& arena) {
    Tensor a = arena.allocate({3, 5});
    size_t mark = arena.mark();
    arena.allocate({100});
    arena.release(mark);
    Tensor b = arena.allocate({7});
    return std::pair(a, b);
  };
  Arena measure;
  plan(measure);
  EXPECT_EQ(measure.peak_bytes(), 64u + 448u);
  Arena arena(measure.peak_bytes());
  auto [a, b] = plan(arena);
  EXPECT_EQ(static_cast<char*>(b.data) - static_cast<char*>(a.data), 64);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a.data) % 64, 0u);
}

}  // namespace
}  // namespace podium
