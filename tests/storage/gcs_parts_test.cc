// Large objects in several parts at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/error_of.h"
#include "tests/storage/gcs_testing.h"
#include "worker/base/hash.h"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Kind = GcsFault::Kind;

constexpr const char* kCompose = "/compose";
constexpr const char* kQuestion = "testPermissions";

class GcsPartsTest : public testing::Test {
 protected:
  GcsPartsTest() { options.part_bytes = kBlockBytes; }
  GcsStore& store() {
    if (!store_) store_ = std::make_unique<GcsStore>(GcsPlace{"bucket", "folder"}, options);
    return *store_;
  }
  std::optional<ObjectInfo> create(const std::string& name, const std::string& bytes) {
    return store().create_if_absent(name, MemorySource(bytes));
  }
  std::string stored(const std::string& name) { return server.bucket().content("folder/" + name).value_or("(absent)"); }
  std::vector<std::string> parts_left() {
    std::vector<std::string> names;
    for (const auto& [name, object] : server.bucket().objects())
      if (name.starts_with("folder/.parts/")) names.push_back(name);
    return names;
  }

  // Each part that arrives.
  static GcsFaults stalls() {
    return [](const GcsRequest& request) {
      return request.is_upload_part() ? std::optional(GcsFault{Kind::kStall}) : std::nullopt;
    };
  }
  void wait_for_parts(size_t count) {
    while (server.count("PUT /upload") < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  GcsServer server;
  TestClock clock;
  GcsOptions options = small_requests(server, clock);
  std::unique_ptr<GcsStore> store_;
  const std::string large = some_bytes(5 * kBlockBytes + 12'345);
};

TEST_F(GcsPartsTest, AreComposedAndRemoved) {
  EXPECT_EQ(create("run/large", large), (ObjectInfo{large.size(), crc32c(large.data(), large.size())}));
  EXPECT_TRUE(stored("run/large") == large);
  EXPECT_TRUE(server.bucket().objects().at("folder/run/large").is_composed);
  EXPECT_THAT(parts_left(), IsEmpty());
  EXPECT_EQ(server.count("POST /upload/storage/v1/b/bucket/o?uploadType=resumable&name=folder%2F.parts%2F"), 5u);
  EXPECT_EQ(server.count(kCompose), 1u);
  EXPECT_EQ(server.count(kCompose + std::string("?ifGenerationMatch=0")), 1u);
  EXPECT_EQ(server.count("DELETE /storage/v1/b/bucket/o/folder%2F.parts%2F"), 5u);
  std::string seen;
  EXPECT_TRUE(store().read("run/large", {}, [&](std::string_view bytes) { seen += bytes; }));
  EXPECT_TRUE(seen == large);
  EXPECT_FALSE(create("run/large", large)) << "another's now";
  EXPECT_EQ(server.count("POST /upload"), 5u) << "what is there is not sent";
  EXPECT_TRUE(create("small", "small"));
  EXPECT_EQ(server.count(kQuestion), 1u);
}

TEST_F(GcsPartsTest, GoAsManyAtOnceAsAllowed) {
  options.streams = 3;
  options.http.stall = std::chrono::seconds(100);
  server.meet(stalls());
  std::vector<std::thread> writers;
  store();
  for (int i = 0; i < 2; ++i)
    writers.emplace_back([&, i] { error_of([&] { create(fmt::format("object-{}", i), large); }); });
  wait_for_parts(3);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(server.count("PUT /upload"), 3u) << "of both objects together";
  store().close();
  for (std::thread& writer : writers) writer.join();
}

TEST_F(GcsPartsTest, AreAtMostAsManyAsTheServiceComposes) {
  options.part_bytes = 10'000;
  EXPECT_TRUE(create("large", large));
  EXPECT_EQ(server.count("uploadType=multipart"), 32u);
  EXPECT_TRUE(stored("large") == large);
}

TEST_F(GcsPartsTest, AreNotUsedWhereNobodyMayRemoveThem) {
  server.accounts().deny("storage.objects.delete");
  EXPECT_TRUE(create("large", large));
  EXPECT_TRUE(create("large-2", large));
  EXPECT_EQ(server.count(".parts"), 0u);
  EXPECT_EQ(server.count(kQuestion), 1u);
  EXPECT_FALSE(server.bucket().objects().at("folder/large").is_composed);
}

TEST_F(GcsPartsTest, AreUsedAlwaysOrNeverAsTold) {
  options.parts = GcsOptions::Parts::kNever;
  EXPECT_TRUE(create("whole", large));
  EXPECT_EQ(server.count(".parts"), 0u);
  EXPECT_EQ(server.count(kQuestion), 0u);
  store_.reset();
  options.parts = GcsOptions::Parts::kAlways;
  server.accounts().deny("storage.objects.delete");
  EXPECT_TRUE(create("parts", large));
  EXPECT_TRUE(server.bucket().objects().at("folder/parts").is_composed);
  EXPECT_THAT(parts_left(), SizeIs(5));
  EXPECT_EQ(server.count("DELETE"), 0u) << "what is refused is not tried";
  EXPECT_THAT(store().list(""), ElementsAre("parts", "whole")) << "parts are no objects of the store";
}

TEST_F(GcsPartsTest, AnEmulatorWithoutTheQuestionGetsOneStream) {
  server.meet(kQuestion, {Kind::kStatus, 404}, 2);
  EXPECT_TRUE(create("large", large));
  EXPECT_EQ(server.count(".parts"), 0u);
}

TEST_F(GcsPartsTest, ThatAKilledProcessLeftAreRemovedADayLater) {
  server.accounts().unix_seconds = [this] { return clock.unix_seconds(); };
  for (const char* name : {"folder/.parts/old/00", "folder/.parts/young/00", "folder/old", "other/.parts/old/00"}) {
    server.bucket().put(name, "x");
    server.bucket().make_older(name, std::string(name).find("young") == std::string::npos ? 25 * 3600 : 23 * 3600);
  }
  EXPECT_TRUE(create("large", large));
  EXPECT_THAT(parts_left(), ElementsAre("folder/.parts/young/00"));
  EXPECT_TRUE(server.bucket().content("folder/old"));
  EXPECT_TRUE(server.bucket().content("other/.parts/old/00"));
}

TEST_F(GcsPartsTest, EveryFaultOfEveryRequestIsSurvived) {
  options.streams = 2;
  const std::string content = some_bytes(2 * kBlockBytes + 99);
  for (int kind = 0; kind < GcsFault::kKinds; ++kind) {
    if (static_cast<Kind>(kind) == Kind::kCorruptBytes) continue;
    for (int at = 0; at < 12; ++at) {
      const std::string name = fmt::format("object-{}-{}", kind, at);
      auto count = std::make_shared<std::atomic<int>>(0);
      server.meet([=](const GcsRequest&) {
        return (*count)++ == at ? std::optional(GcsFault{static_cast<Kind>(kind)}) : std::nullopt;
      });
      EXPECT_TRUE(create(name, content)) << name_of(static_cast<Kind>(kind)) << " at " << at;
      EXPECT_TRUE(stored(name) == content) << name_of(static_cast<Kind>(kind)) << " at " << at;
    }
  }
  EXPECT_EQ(server.bucket().overwritten(), 0);
}

TEST_F(GcsPartsTest, ALostReplyToTheCompositionIsNoConflict) {
  server.meet(kCompose, {Kind::kLostReply});
  EXPECT_TRUE(create("large", large));
  EXPECT_EQ(server.count(kCompose), 2u);
  EXPECT_TRUE(stored("large") == large);
}

TEST_F(GcsPartsTest, AnObjectThatAppearsMeanwhileIsAnothers) {
  struct Racing : MemorySource {
    Racing(std::string bytes, GcsBucket& bucket) : MemorySource(std::move(bytes)), bucket(bucket) {}
    void read(uint64_t offset, std::span<char> buffer) const override {
      if (!has_put.exchange(true)) bucket.put("folder/raced", "another's");
      MemorySource::read(offset, buffer);
    }
    GcsBucket& bucket;
    mutable std::atomic<bool> has_put{false};
  } racing(large, server.bucket());
  EXPECT_FALSE(store().create_if_absent("raced", racing));
  EXPECT_EQ(stored("raced"), "another's");
  EXPECT_THAT(parts_left(), IsEmpty());
}

TEST_F(GcsPartsTest, AFailureNamesTheObjectAndLeavesNoPart) {
  server.meet("%2F03", {Kind::kStatus, 403});
  EXPECT_THAT(error_of([&] { create("run/large", large); }),
              HasSubstr("gs://bucket/folder/run/large could not be created: HTTP status 403"));
  EXPECT_THAT(parts_left(), IsEmpty());
  EXPECT_EQ(stored("run/large"), "(absent)");
}

// A service that composes something else than was sent.
TEST_F(GcsPartsTest, WhatIsComposedOfOtherBytesIsRefused) {
  struct Changing : MemorySource {
    using MemorySource::MemorySource;
    void read(uint64_t offset, std::span<char> buffer) const override {
      MemorySource::read(offset, buffer);
      if (offset == 0 && ++reads > 1) buffer[0] ^= 1;  // after the part's checksum was computed
    }
    mutable std::atomic<int> reads{0};
  };
  EXPECT_THAT(error_of([&] { store().create_if_absent("large", Changing(large)); }),
              HasSubstr("doesn't match calculated CRC32C"));
  // A part is another's meanwhile: the composition would be wrong.
  server.meet([this](const GcsRequest& request) -> std::optional<GcsFault> {
    if (request.line().find(kCompose) == std::string::npos) return std::nullopt;
    const std::string part = parts_left().at(2);
    server.bucket().put(part, some_bytes(server.bucket().content(part)->size(), 99));
    return std::nullopt;
  });
  EXPECT_THAT(error_of([&] { create("large", large); }), HasSubstr("doesn't match calculated CRC32C"));
  EXPECT_EQ(stored("large"), "(absent)");
}

TEST_F(GcsPartsTest, ClosingEndsThem) {
  options.http.stall = std::chrono::seconds(100);
  server.meet(stalls());
  std::string error;
  store();
  std::thread writer([&] { error = error_of([&] { create("large", large); }); });
  wait_for_parts(4);
  store().close();
  writer.join();
  EXPECT_THAT(error, HasSubstr("the client is closed"));
}

}  // namespace
}  // namespace podium
