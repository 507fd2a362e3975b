#include "worker/storage/gcs/gcs_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/error_of.h"
#include "tests/storage/gcs_testing.h"
#include "worker/base/hash.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Optional;
using Kind = GcsFault::Kind;

class GcsStoreTest : public testing::Test {
 protected:
  std::string contents(const std::string& name) { return read_object(store, name, 1 << 24).value_or("(absent)"); }
  std::string stored(const std::string& name) { return server.bucket().content("folder/" + name).value_or("(absent)"); }

  GcsServer server;
  TestClock clock;
  GcsStore store{{"bucket", "folder"}, small_requests(server, clock)};
};

TEST_F(GcsStoreTest, GivesBackWhatItWasGiven) {
  const std::string small = "small", large = some_bytes(5 * kBlockBytes + 12345);
  const auto info = store.create_if_absent("run/small", MemorySource(small));
  ASSERT_TRUE(info);
  EXPECT_EQ(*info, (ObjectInfo{5, crc32c(small.data(), small.size())}));
  EXPECT_EQ(store.create_if_absent("run/large", MemorySource("", {large})),
            (ObjectInfo{large.size(), crc32c(large.data(), large.size())}));
  EXPECT_TRUE(store.create_if_absent("run/empty", MemorySource("")));
  EXPECT_EQ(stored("run/small"), small);
  EXPECT_TRUE(stored("run/large") == large);
  EXPECT_EQ(stored("run/empty"), "");
  EXPECT_EQ(contents("run/small"), small);
  EXPECT_TRUE(contents("run/large") == large);
  EXPECT_EQ(contents("run/empty"), "");
  EXPECT_EQ(store.stat("run/small"), info);
  EXPECT_EQ(server.count("uploadType=multipart"), 2u);
  EXPECT_EQ(server.count("POST /upload/storage/v1/b/bucket/o?uploadType=resumable"), 1u);
  EXPECT_EQ(server.count("PUT /upload"), 6u);
  EXPECT_EQ(clock.waits(), 0);
}

TEST_F(GcsStoreTest, ChunksThatEndWithTheObjectNeedNoEmptyOne) {
  const std::string large = some_bytes(2 * kBlockBytes);
  EXPECT_TRUE(store.create_if_absent("large", MemorySource(large)));
  EXPECT_TRUE(stored("large") == large);
  EXPECT_EQ(server.count("PUT /upload"), 2u);
}

TEST_F(GcsStoreTest, NeverOverwrites) {
  const std::string first = some_bytes(300'000, 1), second = some_bytes(300'000, 2);
  for (const auto& [one, other] : {std::pair("first", "second"), std::pair(first.c_str(), second.c_str())}) {
    const std::string name = fmt::format("object-{}", std::string(one).size() > 100);
    EXPECT_TRUE(store.create_if_absent(name, MemorySource(one)));
    EXPECT_FALSE(store.create_if_absent(name, MemorySource(other)));
    EXPECT_FALSE(store.create_if_absent(name, MemorySource(one))) << "the same bytes are another's all the same";
    EXPECT_TRUE(stored(name) == one);
  }
  EXPECT_EQ(server.bucket().overwritten(), 0);
}

TEST_F(GcsStoreTest, AnObjectThatAppearsDuringAnUploadIsAnothers) {
  struct Racing : MemorySource {
    Racing(std::string bytes, GcsBucket& bucket) : MemorySource(std::move(bytes)), bucket(bucket) {}
    void read(uint64_t offset, std::span<char> buffer) const override {
      // After the pass that computes the checksum, and the look whether it is there.
      if (++reads == 3) bucket.put("folder/raced", "another's");
      MemorySource::read(offset, buffer);
    }
    GcsBucket& bucket;
    mutable int reads = 0;
  } racing(some_bytes(3 * kBlockBytes), server.bucket());
  EXPECT_FALSE(store.create_if_absent("raced", racing));
  EXPECT_EQ(stored("raced"), "another's");
  EXPECT_EQ(server.bucket().open_sessions(), 0u) << "the session was not cancelled";
}

TEST_F(GcsStoreTest, LetsOneOfManyWritersWin) {
  for (int round = 0; round < 5; ++round) {
    const std::string name = fmt::format("object-{}", round);
    std::atomic<int> winners{0}, winner{-1};
    std::vector<std::thread> writers;
    for (int i = 0; i < 4; ++i)
      writers.emplace_back([&, i] {
        if (!store.create_if_absent(name, MemorySource(std::to_string(i)))) return;
        ++winners;
        winner = i;
      });
    for (std::thread& writer : writers) writer.join();
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(stored(name), std::to_string(winner));
  }
}

TEST_F(GcsStoreTest, ReadsARangeCutAtTheEnd) {
  store.create_if_absent("file", MemorySource("0123456789"));
  auto range = [&](ByteRange range) {
    std::string bytes;
    EXPECT_TRUE(store.read("file", range, [&](std::string_view piece) { bytes += piece; }));
    return bytes;
  };
  EXPECT_EQ(range({3, 4}), "3456");
  EXPECT_EQ(range({0, 4}), "0123");
  EXPECT_EQ(range({8, 100}), "89");
  EXPECT_EQ(range({8, UINT64_MAX}), "89");
  EXPECT_EQ(range({10, 1}), "");
  EXPECT_EQ(range({5, 0}), "");
  EXPECT_EQ(range({UINT64_MAX, UINT64_MAX}), "");
}

TEST_F(GcsStoreTest, ListsByTextPrefixOverManyPages) {
  std::vector<std::string> expected;
  for (int i = 0; i < 2500; ++i) {
    expected.push_back(fmt::format("run/object-{:05}", i));
    server.bucket().put("folder/" + expected.back(), "x");
  }
  for (const char* other : {"folder/", "folder/run/", "folder2/run/object-1", "run/object-1", "folder/run/.hidden"})
    server.bucket().put(other, "x");
  EXPECT_TRUE(store.list("run/") == expected);
  EXPECT_EQ(server.count("GET /storage/v1/b/bucket/o?"), 3u);
  EXPECT_THAT(store.list("run/object-0000"), testing::SizeIs(10));
  EXPECT_THAT(store.list("none"), IsEmpty());
}

TEST_F(GcsStoreTest, NamesArriveAsTheyAre) {
  const std::string name = "run with space/ção+&=?#%2F";
  EXPECT_TRUE(store.create_if_absent(name, MemorySource("x")));
  EXPECT_EQ(stored(name), "x");
  EXPECT_EQ(contents(name), "x");
  EXPECT_THAT(store.list("run "), ElementsAre(name));
  EXPECT_TRUE(store.remove(name));
}

TEST_F(GcsStoreTest, SaysWhatIsAbsent) {
  EXPECT_FALSE(store.stat("none"));
  EXPECT_FALSE(store.read("none", {}, [](std::string_view) { FAIL(); }));
  EXPECT_FALSE(store.read("none", {0, 0}, [](std::string_view) { FAIL(); }));
  EXPECT_FALSE(store.remove("none"));
  store.create_if_absent("there", MemorySource("x"));
  EXPECT_TRUE(store.remove("there"));
  EXPECT_FALSE(store.stat("there"));
  EXPECT_THROW(store.read("../outside", {}, [](std::string_view) {}), Error);
}

TEST_F(GcsStoreTest, SaysThatThereIsNoBucket) {
  GcsStore elsewhere({"no-such-bucket", ""}, small_requests(server, clock));
  EXPECT_THAT(error_of([&] { elsewhere.list("run/"); }),
              AllOf(HasSubstr("gs://no-such-bucket/run/ could not be listed: HTTP status 404"),
                    HasSubstr("gcloud storage buckets create gs://no-such-bucket")));
}

TEST_F(GcsStoreTest, WhatASourceOrASinkThrowsArrives) {
  struct Torn : Error {
    using Error::Error;
  };
  struct Failing : ObjectSource {
    uint64_t size_bytes() const override { return 3 * kBlockBytes; }
    void read(uint64_t offset, std::span<char> buffer) const override {
      std::fill(buffer.begin(), buffer.end(), 'x');
      if (offset == 0 && ++passes > 1) throw Torn("source failed");
    }
    mutable int passes = 0;
  };
  EXPECT_THROW(store.create_if_absent("file", Failing()), Torn);
  EXPECT_EQ(stored("file"), "(absent)");
  EXPECT_EQ(server.bucket().open_sessions(), 0u);
  const std::string large = some_bytes(3'000'000);
  store.create_if_absent("large", MemorySource(large));
  EXPECT_THROW(store.read("large", {}, [](std::string_view) { throw Torn("sink failed"); }), Torn);
  EXPECT_TRUE(contents("large") == large) << "the client is of no use any more";
}

TEST_F(GcsStoreTest, ASlowSinkHoldsTheServerBack) {
  const std::string large = some_bytes(6'000'000);
  server.bucket().put("folder/large", large);
  std::string seen;
  size_t largest = 0;
  EXPECT_TRUE(store.read("large", {}, [&](std::string_view bytes) {
    largest = std::max(largest, bytes.size());
    seen += bytes;
    if (seen.size() < 2'000'000) std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }));
  EXPECT_TRUE(seen == large);
  EXPECT_LE(largest, size_t{2} << 20);
}

TEST_F(GcsStoreTest, MemoryOfAnUploadIsThatOfAChunk) {
  store.create_if_absent("large", MemorySource(some_bytes(9 * kBlockBytes + 1)));
  EXPECT_EQ(server.bucket().largest_part(), kBlockBytes);
}

TEST_F(GcsStoreTest, ClosingEndsWhatIsUnderWay) {
  server.meet("POST /upload", {Kind::kStall});
  std::string error;
  std::thread writer([&] { error = error_of([&] { store.create_if_absent("file", MemorySource("x")); }); });
  while (server.count("POST /upload") == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  store.close();
  writer.join();
  EXPECT_THAT(error, HasSubstr("the client is closed"));
  EXPECT_THAT(error_of([&] { store.list(""); }), HasSubstr("the client is closed"));
}

}  // namespace
}  // namespace podium
