// What arrives from the service, in all the shapes in which it may; names of places; base64.
#include "worker/storage/gcs/gcs_object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/base/random.h"
#include "worker/storage/base64.h"
#include "worker/storage/gcs/gcs_place.h"

namespace podium {
namespace {

using testing::ElementsAre;

constexpr const char* kObject =
    R"({"size":"9","generation":"17","crc32c":"4waSgw==","metadata":{"podium-upload":"abc","other":1}})";

TEST(GcsObject, IsRead) {
  const GcsObjectInfo object = parse_gcs_object({200, {}, kObject});
  EXPECT_EQ(object.info, (ObjectInfo{9, 0xE3069283}));
  EXPECT_EQ(object.generation, "17");
  EXPECT_EQ(object.upload_id, "abc");
  EXPECT_EQ(parse_gcs_object({200, {}, R"({"size":"0","generation":"1","crc32c":"AAAAAA=="})"}).upload_id, "");
}

TEST(GcsObject, APageIsRead) {
  const GcsPage page = parse_gcs_page(
      {200, {}, R"({"items":[{"name":"a","timeCreated":"2026-11-21T16:04:17Z"},{"name":"b"}],"nextPageToken":"t"})"});
  ASSERT_EQ(page.objects.size(), 2u);
  EXPECT_EQ(page.objects[0].name, "a");
  EXPECT_EQ(page.objects[0].created, "2026-11-21T16:04:17Z");
  EXPECT_EQ(page.objects[1].created, "");
  EXPECT_EQ(page.next, "t");
  EXPECT_TRUE(parse_gcs_page({200, {}, "{}"}).objects.empty());
}

TEST(GcsObject, PermissionsAreRead) {
  EXPECT_THAT(parse_gcs_permissions({200, {}, R"({"kind":"k","permissions":["storage.objects.delete"]})"}),
              ElementsAre("storage.objects.delete"));
  EXPECT_THAT(parse_gcs_permissions({200, {}, R"({"kind":"k"})"}), testing::IsEmpty());
  for (const char* body : {"", "<html>", "[]", R"({"permissions":1})", R"({"permissions":[1]})"})
    EXPECT_THROW(parse_gcs_permissions({200, {}, body}), HttpFailure) << body;
}

// Whatever it is, it is a failure that may pass, and nothing else is thrown.
void expect_malformed(const std::string& body) {
  for (const bool is_page : {true, false}) try {
      is_page ? (void)parse_gcs_page({200, {}, body}) : (void)parse_gcs_object({200, {}, body});
      // Some bodies are a page without objects.
      EXPECT_TRUE(is_page && body.starts_with('{')) << body;
    } catch (const HttpFailure& failure) {
      EXPECT_TRUE(failure.may_pass) << body;
    }
}

TEST(GcsObject, WhateverElseArrivesMayPass) {
  for (const char* body : {"",
                           " ",
                           "<html></html>",
                           "null",
                           "1",
                           "[]",
                           "[1]",
                           "\"text\"",
                           "{}",
                           "{\"size\":9}",
                           "\xff\xfe",
                           "{\"items\":1}",
                           R"({"size":"9","size":"9"})",
                           R"({"size":"9x","generation":"1","crc32c":"4waSgw=="})",
                           R"({"size":"-9","generation":"1","crc32c":"4waSgw=="})",
                           R"({"size":"9","generation":"1","crc32c":"4waSgw"})",
                           R"({"size":"99999999999999999999","generation":"1","crc32c":"4waSgw=="})",
                           R"({"size":"9","generation":1,"crc32c":"4waSgw=="})",
                           R"({"size":"9","generation":"1","crc32c":"4waSgw==","metadata":[]})",
                           R"({"size":"9","generation":"1","crc32c":"4waSgw==","metadata":{"podium-upload":{}}})"})
    expect_malformed(body);
  const std::string whole = kObject;
  for (size_t size = 0; size < whole.size(); ++size) expect_malformed(whole.substr(0, size));
  expect_malformed(std::string(1'000'000, '['));
  CounterRandom random(1, 0, 0);
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = whole;
    for (uint64_t changes = 1 + random.below(3); changes > 0; --changes)
      changed[random.below(changed.size())] = static_cast<char>(random.below(256));
    for (const bool is_page : {true, false}) try {
        is_page ? (void)parse_gcs_page({200, {}, changed}) : (void)parse_gcs_object({200, {}, changed});
      } catch (const HttpFailure&) {
      }
  }
}

TEST(GcsObject, TheStoredBytesOfARangeHeader) {
  EXPECT_EQ(stored_bytes_of_range_header(""), 0u);
  EXPECT_EQ(stored_bytes_of_range_header("bytes=0-0"), 1u);
  EXPECT_EQ(stored_bytes_of_range_header("bytes=0-262143"), 262144u);
  for (const char* other : {"bytes=0-", "bytes=0-99999999999999999999", "bytes=0-18446744073709551615", "bytes=1-5",
                            "bytes=0-5,7-9", "bytes 0-5/9", "5"})
    EXPECT_EQ(stored_bytes_of_range_header(other), std::nullopt) << other;
}

TEST(GcsObject, TheHashOfAHeader) {
  EXPECT_EQ(crc32c_of_hash_header("crc32c=4waSgw==,md5=x"), 0xE3069283);
  EXPECT_EQ(crc32c_of_hash_header("md5=x,crc32c=4waSgw=="), 0xE3069283);
  for (const char* other : {"", "md5=x", "crc32c=", "crc32c=4waSgw", "crc32c=4waSg!=="})
    EXPECT_EQ(crc32c_of_hash_header(other), std::nullopt) << other;
}

TEST(GcsPlace, IsABucketAndAFolder) {
  const GcsPlace place = parse_gcs_place("gs://my-bucket/models/a b/");
  EXPECT_EQ(place.bucket, "my-bucket");
  EXPECT_EQ(place.folder, "models/a b");
  EXPECT_EQ(place.text("run/x"), "gs://my-bucket/models/a b/run/x");
  EXPECT_EQ(place.object("run/x"), "models/a b/run/x");
  for (const char* whole : {"gs://my-bucket", "gs://my-bucket/"}) {
    EXPECT_EQ(parse_gcs_place(whole).folder, "");
    EXPECT_EQ(parse_gcs_place(whole).object("x"), "x");
    EXPECT_EQ(parse_gcs_place(whole).text(), "gs://my-bucket");
  }
  for (const char* none : {"", "gs://", "gs:///x", "gs://ab", "gs://Upper", "gs://-ab", "gs://bucket//x",
                           "gs://bucket/../x", "gs://bucket/.x", "s3://bucket", "bucket", "gs://a b"})
    EXPECT_THROW(parse_gcs_place(none), Error) << none;
}

// RFC 4648 section 10.
TEST(Base64, OfTheStandard) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
                                                       {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) EXPECT_EQ(base64(bytes), text);
  EXPECT_EQ(base64url("\xfb\xff\xfe?"), "-__-Pw");
  EXPECT_EQ(base64_of_crc32c(0xE3069283), "4waSgw==");
  EXPECT_EQ(crc32c_of_base64("4waSgw=="), 0xE3069283);
  for (const char* other : {"", "4waSgw=", "4waSgx==", "4waS\ngw=", "========", "4waSgw==4waSgw=="})
    EXPECT_EQ(crc32c_of_base64(other), std::nullopt) << other;
}

}  // namespace
}  // namespace podium
