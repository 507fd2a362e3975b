// Long reads in several requests at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/error_of.h"
#include "tests/storage/gcs_testing.h"

namespace podium {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using Kind = GcsFault::Kind;

constexpr uint64_t kPiece = 100'000;
constexpr const char* kMedia = "alt=media";

class GcsRangesTest : public testing::Test {
 protected:
  GcsRangesTest() {
    options.piece_bytes = kPiece;
    server.bucket().put("object", large);
  }
  GcsStore& store() {
    if (!store_) store_ = std::make_unique<GcsStore>(GcsPlace{"bucket", ""}, options);
    return *store_;
  }
  std::string contents(ByteRange range = {}) {
    std::string bytes;
    EXPECT_TRUE(store().read("object", range, [&](std::string_view piece) { bytes += piece; }));
    return bytes;
  }

  GcsServer server;
  TestClock clock;
  GcsOptions options = small_requests(server, clock);
  std::unique_ptr<GcsStore> store_;
  const std::string large = some_bytes(20 * kPiece + 1234);
};

TEST_F(GcsRangesTest, ComeInOrderOfOneGeneration) {
  EXPECT_TRUE(contents() == large);
  const auto requests = server.requests(kMedia);
  ASSERT_THAT(requests, SizeIs(21));
  EXPECT_EQ(requests[0].header("range"), "bytes=0-99999");
  for (size_t i = 1; i < requests.size(); ++i)
    EXPECT_EQ(requests[i].parameter("generation"), "1000001") << requests[i].header("range");
  EXPECT_GT(server.connections(), 1);
}

TEST_F(GcsRangesTest, AnyRangeIsThatOfTheObject) {
  const uint64_t size = large.size();
  for (const auto& [begin, bytes] :
       std::initializer_list<std::pair<uint64_t, uint64_t>>{{0, kPiece},
                                                            {0, kPiece + 1},
                                                            {1, 3 * kPiece},
                                                            {kPiece - 1, 2 * kPiece},
                                                            {size - kPiece - 1, UINT64_MAX},
                                                            {size - 1, UINT64_MAX},
                                                            {size, UINT64_MAX},
                                                            {size + 5, 2 * kPiece},
                                                            {5, UINT64_MAX - 2}})
    EXPECT_TRUE(contents({begin, bytes}) == large.substr(std::min(begin, size), bytes)) << begin << "+" << bytes;
  server.bucket().put("object", "");
  EXPECT_EQ(contents(), "");
  server.bucket().put("object", large.substr(0, kPiece));
  const size_t before = server.count(kMedia);
  EXPECT_TRUE(contents() == large.substr(0, kPiece));
  EXPECT_EQ(server.count(kMedia), before + 1);
}

TEST_F(GcsRangesTest, EveryFaultOfEveryRequestIsSurvived) {
  options.streams = 3;
  for (int kind = 0; kind < GcsFault::kKinds; ++kind) {
    if (static_cast<Kind>(kind) == Kind::kCorruptBytes) continue;
    for (int at : {0, 1, 2, 10, 20}) {
      auto count = std::make_shared<std::atomic<int>>(0);
      server.meet([=](const GcsRequest&) {
        return (*count)++ == at ? std::optional(GcsFault{static_cast<Kind>(kind)}) : std::nullopt;
      });
      EXPECT_TRUE(contents() == large) << name_of(static_cast<Kind>(kind)) << " at " << at;
    }
  }
}

TEST_F(GcsRangesTest, CorruptBytesInAnyOfThemAreNoticed) {
  for (int at : {0, 7, 20}) {
    auto count = std::make_shared<std::atomic<int>>(0);
    server.meet([=](const GcsRequest&) {
      return (*count)++ == at ? std::optional(GcsFault{Kind::kCorruptBytes}) : std::nullopt;
    });
    EXPECT_THAT(error_of([&] { contents(); }), HasSubstr("gs://bucket/object could not be read: damaged on its way"));
  }
}

TEST_F(GcsRangesTest, AnObjectThatIsReplacedWhileItIsReadIsNoMixture) {
  auto count = std::make_shared<std::atomic<int>>(0);
  server.meet([this, count](const GcsRequest&) -> std::optional<GcsFault> {
    if ((*count)++ == 9) server.bucket().put("object", some_bytes(large.size(), 7));
    return std::nullopt;
  });
  EXPECT_THAT(error_of([&] { contents(); }),
              HasSubstr("gs://bucket/object could not be read: it was replaced or removed while it was read"));
}

// The server is asked for no more than a few pieces ahead.
TEST_F(GcsRangesTest, MemoryIsThatOfAFewPieces) {
  options.streams = 2;
  uint64_t seen = 0;
  EXPECT_TRUE(store().read("object", {}, [&](std::string_view bytes) {
    seen += bytes.size();
    if (seen == 3 * kPiece) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_LE(server.count(kMedia), seen / kPiece + 4) << "what was taken, and two times two";
  }));
  EXPECT_EQ(seen, large.size());
}

TEST_F(GcsRangesTest, WhatASinkThrowsEndsThem) {
  struct Torn : Error {
    using Error::Error;
  };
  uint64_t seen = 0;
  EXPECT_THROW(store().read("object", {},
                            [&](std::string_view bytes) {
                              if ((seen += bytes.size()) > 5 * kPiece) throw Torn("sink failed");
                            }),
               Torn);
  EXPECT_LE(server.count(kMedia), 6u + 8u);
  EXPECT_TRUE(contents() == large) << "the client is of no use any more";
}

TEST_F(GcsRangesTest, ClosingEndsThem) {
  server.meet([count = std::make_shared<std::atomic<int>>(0)](const GcsRequest&) {
    return ++*count > 3 ? std::optional(GcsFault{Kind::kStall}) : std::nullopt;
  });
  options.http.stall = std::chrono::seconds(100);
  std::string error;
  store();
  std::thread reader([&] { error = error_of([&] { contents(); }); });
  while (server.count(kMedia) < 6) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  store().close();
  reader.join();
  EXPECT_THAT(error, HasSubstr("the client is closed"));
}

}  // namespace
}  // namespace podium
