// The store against a service that fails: each kind of fault at each kind of request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/error_of.h"
#include "tests/storage/gcs_testing.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Kind = GcsFault::Kind;

constexpr const char* kMultipart = "uploadType=multipart";
constexpr const char* kSession = "POST /upload/storage/v1/b/bucket/o?uploadType=resumable";
constexpr const char* kPart = "PUT /upload";

class GcsFaultsTest : public testing::Test {
 protected:
  GcsFaultsTest() { options.http.stall = std::chrono::milliseconds(300); }
  GcsStore& store() {
    if (!store_) store_ = std::make_unique<GcsStore>(GcsPlace{"bucket", ""}, options);
    return *store_;
  }
  std::string stored(const std::string& name) { return server.bucket().content(name).value_or("(absent)"); }
  std::string contents(const std::string& name) {
    std::string bytes;
    store().read(name, {}, [&](std::string_view piece) { bytes += piece; });
    return bytes;
  }
  // The Content-Range of each part, in order.
  std::vector<std::string> ranges() {
    std::vector<std::string> ranges;
    for (const GcsRequest& request : server.requests(kPart)) ranges.push_back(request.header("content-range"));
    return ranges;
  }

  GcsServer server;
  TestClock clock;
  GcsOptions options = small_requests(server, clock);
  std::unique_ptr<GcsStore> store_;
  const std::string small = some_bytes(1'000), large = some_bytes(3 * kBlockBytes + 100);
};

// All but those that only another store can survive.
std::vector<Kind> all_kinds() {
  std::vector<Kind> kinds;
  for (int i = 0; i < GcsFault::kKinds; ++i)
    if (static_cast<Kind>(i) != Kind::kCorruptBytes) kinds.push_back(static_cast<Kind>(i));
  return kinds;
}

TEST_F(GcsFaultsTest, EveryFaultOfASmallUploadIsSurvived) {
  for (Kind kind : all_kinds()) {
    const std::string name = fmt::format("object-{}", static_cast<int>(kind));
    server.meet(kMultipart, {kind});
    EXPECT_TRUE(store().create_if_absent(name, MemorySource(small))) << name_of(kind);
    EXPECT_TRUE(stored(name) == small) << name_of(kind);
  }
  EXPECT_EQ(server.bucket().overwritten(), 0);
}

TEST_F(GcsFaultsTest, EveryFaultOfEveryRequestOfALargeUploadIsSurvived) {
  for (Kind kind : all_kinds())
    for (int at = 0; at < 6; ++at) {
      const std::string name = fmt::format("object-{}-{}", static_cast<int>(kind), at);
      // Of the look whether it is there, the begin of the session, the four parts: the one at this place.
      auto count = std::make_shared<int>(0);
      server.meet([count, at, kind](const GcsRequest&) {
        return (*count)++ == at ? std::optional(GcsFault{kind}) : std::nullopt;
      });
      EXPECT_TRUE(store().create_if_absent(name, MemorySource("", {large}))) << name_of(kind) << " at " << at;
      EXPECT_TRUE(stored(name) == large) << name_of(kind) << " at " << at;
    }
  EXPECT_EQ(server.bucket().overwritten(), 0);
}

TEST_F(GcsFaultsTest, EveryFaultOfAReadIsSurvived) {
  server.bucket().put("object", large);
  for (Kind kind : all_kinds()) {
    server.meet("alt=media", {kind});
    EXPECT_TRUE(contents("object") == large) << name_of(kind);
  }
}

TEST_F(GcsFaultsTest, EveryFaultOfSmallRequestsIsSurvived) {
  for (Kind kind : all_kinds()) {
    server.bucket().put("object", small);
    server.meet("GET /storage/v1/b/bucket/o?", {kind});
    EXPECT_THAT(store().list(""), ElementsAre("object")) << name_of(kind);
    server.meet("GET /storage/v1/b/bucket/o/object", {kind});
    EXPECT_TRUE(store().stat("object")) << name_of(kind);
    server.meet("DELETE", {kind});
    EXPECT_TRUE(store().remove("object")) << name_of(kind);
    EXPECT_FALSE(server.bucket().content("object")) << name_of(kind);
  }
}

TEST_F(GcsFaultsTest, ALostReplyIsNoConflict) {
  server.meet(kMultipart, {Kind::kLostReply});
  EXPECT_TRUE(store().create_if_absent("small", MemorySource(small)));
  EXPECT_EQ(server.count(kMultipart), 2u);
  server.meet(kPart, {Kind::kLostReply}, 4);  // of each part, and of none of the questions
  EXPECT_TRUE(store().create_if_absent("large", MemorySource(large)));
  EXPECT_TRUE(stored("large") == large);
}

TEST_F(GcsFaultsTest, ALostReplyToTheLastPartAndALostSessionAreNoConflict) {
  auto parts = std::make_shared<int>(0);
  server.meet([parts](const GcsRequest& request) -> std::optional<GcsFault> {
    if (request.is_upload_part()) ++*parts;
    if (*parts == 4) return GcsFault{Kind::kLostReply};
    return *parts == 5 && request.is_upload_part() ? std::optional(GcsFault{Kind::kStatus, 410}) : std::nullopt;
  });
  EXPECT_TRUE(store().create_if_absent("object", MemorySource(large)));
  EXPECT_EQ(*parts, 5) << "what is there need not be sent again";
}

TEST_F(GcsFaultsTest, AnUploadGoesOnWhereTheServiceSays) {
  server.meet(kPart, {Kind::kStoredLess});
  EXPECT_TRUE(store().create_if_absent("object", MemorySource(large)));
  // Half a block is none: nothing was stored, which is no progress.
  EXPECT_THAT(ranges(), ElementsAre("bytes 0-262143/*", "bytes */*", "bytes 0-262143/*", "bytes 262144-524287/*",
                                    "bytes 524288-786431/*", "bytes 786432-786531/786532"));
}

TEST_F(GcsFaultsTest, APartOfAChunkIsNotSentAgain) {
  options.chunk_bytes = 4 * kBlockBytes;
  const std::string content = some_bytes(8 * kBlockBytes);
  server.meet("PUT /upload", {Kind::kStoredLess});
  server.meet("PUT /upload", {Kind::kResetWithin});
  EXPECT_TRUE(store().create_if_absent("object", MemorySource(content)));
  EXPECT_TRUE(stored("object") == content);
  const std::vector<std::string> seen = ranges();
  ASSERT_GE(seen.size(), 4u);
  EXPECT_EQ(seen[0], "bytes 0-1048575/*");
  EXPECT_EQ(seen[1], "bytes 524288-1572863/*") << "the service had half of the first";
  EXPECT_EQ(seen[2], "bytes */*") << "after a break the service is asked";
}

TEST_F(GcsFaultsTest, AFailedQuestionIsNotReadAsNothingStored) {
  server.meet(kPart, {Kind::kLostReply});
  server.meet(kPart, {Kind::kStatus, 503}, 3);
  EXPECT_TRUE(store().create_if_absent("object", MemorySource(large)));
  EXPECT_THAT(ranges(), ElementsAre("bytes 0-262143/*", "bytes */*", "bytes */*", "bytes */*", "bytes */*",
                                    "bytes 262144-524287/*", "bytes 524288-786431/*", "bytes 786432-786531/786532"));
}

TEST_F(GcsFaultsTest, AReadGoesOnWhereItBrokeOffOfTheSameGeneration) {
  server.bucket().put("object", large);
  server.meet("alt=media", {Kind::kShortReply}, 2);
  EXPECT_TRUE(contents("object") == large);
  const auto requests = server.requests("alt=media");
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].header("range"), "bytes=0-8388607");
  EXPECT_TRUE(requests[1].header("range").starts_with("bytes=393"));
  EXPECT_TRUE(requests[2].header("range").starts_with("bytes=589"));
  EXPECT_EQ(requests[1].parameter("generation"), "1000001");
}

TEST_F(GcsFaultsTest, AnObjectThatIsReplacedWhileItIsReadIsNoMixture) {
  server.bucket().put("object", large);
  server.meet("alt=media", {Kind::kShortReply});
  std::string error = error_of([&] {
    store().read("object", {}, [&](std::string_view) {
      if (server.bucket().content("object") == large) server.bucket().put("object", some_bytes(large.size(), 7));
    });
  });
  EXPECT_THAT(error, HasSubstr("gs://bucket/object could not be read: it was replaced or removed while it was read"));
}

TEST_F(GcsFaultsTest, CorruptBytesAreNoticed) {
  server.bucket().put("object", large);
  server.meet("alt=media", {Kind::kCorruptBytes});
  EXPECT_THAT(error_of([&] { contents("object"); }), HasSubstr("gs://bucket/object could not be read: damaged"));
  EXPECT_TRUE(contents("object") == large);
}

TEST_F(GcsFaultsTest, BytesDamagedOnTheirWayInAreRefusedByTheService) {
  struct Changing : MemorySource {
    using MemorySource::MemorySource;
    void read(uint64_t offset, std::span<char> buffer) const override {
      MemorySource::read(offset, buffer);
      if (++reads > 1) buffer[0] ^= 1;  // after the checksum was computed
    }
    mutable int reads = 0;
  };
  EXPECT_THAT(error_of([&] { store().create_if_absent("small", Changing(small)); }),
              AllOf(HasSubstr("gs://bucket/small could not be created: HTTP status 400"),
                    HasSubstr("doesn't match calculated CRC32C")));
  EXPECT_THAT(error_of([&] { store().create_if_absent("large", Changing(large)); }),
              HasSubstr("doesn't match calculated CRC32C"));
  EXPECT_TRUE(server.bucket().objects().empty());
}

TEST_F(GcsFaultsTest, GivesUpWhenNothingHelpsForAQuarterOfAnHour) {
  server.meet([](const GcsRequest&) { return GcsFault{Kind::kStatus, 503}; });
  EXPECT_THAT(error_of([&] { store().create_if_absent("object", MemorySource(small)); }),
              HasSubstr("gs://bucket/object could not be created: HTTP status 503: by the test"));
  EXPECT_GT(clock.seconds(), 14 * 60);
  EXPECT_LE(clock.seconds(), 15 * 60);
  EXPECT_LT(server.count(""), 150u);
}

TEST_F(GcsFaultsTest, ProgressBeginsTheQuarterOfAnHourAnew) {
  // Each part fails for ten minutes before it goes through.
  auto since = std::make_shared<double>(0);
  server.meet([this, since](const GcsRequest& request) -> std::optional<GcsFault> {
    const bool is_part = request.is_upload_part() && request.header("content-range").find('-') != std::string::npos;
    if (!is_part || clock.seconds() - *since > 600) {
      if (is_part) *since = clock.seconds();
      return std::nullopt;
    }
    return GcsFault{Kind::kStatus, 503};
  });
  EXPECT_TRUE(store().create_if_absent("object", MemorySource(large)));
  EXPECT_GT(clock.seconds(), 35 * 60);
}

TEST_F(GcsFaultsTest, RetryAfterIsObeyed) {
  server.meet(kMultipart, {Kind::kStatus, 429, 77});
  EXPECT_TRUE(store().create_if_absent("object", MemorySource(small)));
  EXPECT_GE(clock.seconds(), 77);
  EXPECT_LT(clock.seconds(), 78);
}

TEST_F(GcsFaultsTest, RefusalsAreNotRepeated) {
  for (int status : {400, 403, 404, 405, 409, 413}) {
    const size_t before = server.count("");
    server.meet(kMultipart, {Kind::kStatus, status});
    EXPECT_THAT(error_of([&] { store().create_if_absent("object", MemorySource(small)); }),
                HasSubstr(fmt::format("HTTP status {}", status)));
    EXPECT_EQ(server.count(""), before + 1) << status;
  }
  EXPECT_EQ(clock.waits(), 0);
}

TEST_F(GcsFaultsTest, AServiceThatForgetsEveryUploadIsLeftInTheEnd) {
  server.meet([](const GcsRequest& request) {
    return request.is_upload_part() ? std::optional(GcsFault{Kind::kExpiredSession}) : std::nullopt;
  });
  EXPECT_THAT(error_of([&] { store().create_if_absent("object", MemorySource(large)); }),
              HasSubstr("the service has forgotten the upload 10 times"));
  EXPECT_EQ(stored("object"), "(absent)");
}

TEST_F(GcsFaultsTest, NobodyListening) {
  GcsOptions nowhere = options;
  nowhere.endpoint = "http://127.0.0.1:9";  // discard
  nowhere.retry.total = std::chrono::seconds(20);
  GcsStore away({"bucket", ""}, nowhere);
  EXPECT_THAT(error_of([&] { away.list(""); }), HasSubstr("gs://bucket could not be listed: Failed to connect"));
  EXPECT_GT(clock.waits(), 2);
  EXPECT_EQ(error_of([&] { away.list(""); }).find(" ms"), std::string::npos) << "no other text each time";
}

}  // namespace
}  // namespace podium
