#include "worker/storage/http/retry.h"

#include <gtest/gtest.h>

#include "tests/storage/gcs_testing.h"

namespace podium {
namespace {

using namespace std::chrono_literals;

class RetryTest : public testing::Test {
 protected:
  HttpClient client;
  TestClock clock;
  Timing timing = clock.timing();
  RetryRules rules;
};

TEST_F(RetryTest, WaitsDoubleAndChanceTakesAShare) {
  timing.chance = [] { return 0.5; };
  Retry retry(client, timing, rules);
  double before = 0;
  for (double expected : {0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0}) {
    retry.wait_after(HttpFailure("x", true));
    EXPECT_DOUBLE_EQ(clock.seconds() - before, expected);
    before = clock.seconds();
  }
  retry.progressed();
  retry.wait_after(HttpFailure("x", true));
  EXPECT_DOUBLE_EQ(clock.seconds() - before, 0.5);
}

TEST_F(RetryTest, EndsBeforeItsTimeIsUpAndThrowsTheLastFailure) {
  Retry retry(client, timing, rules);
  try {
    for (int i = 0;; ++i) retry.wait_after(HttpFailure(std::to_string(i), true));
  } catch (const HttpFailure& failure) {
    EXPECT_EQ(failure.what(), std::to_string(clock.waits()));
    EXPECT_FALSE(failure.may_pass) << "a caller would begin again";
  }
  EXPECT_LE(clock.seconds(), 900);
}

TEST_F(RetryTest, WhatCannotPassIsThrownAtOnce) {
  Retry retry(client, timing, rules);
  EXPECT_THROW(retry.wait_after(HttpFailure("x", false)), HttpFailure);
  EXPECT_EQ(clock.waits(), 0);
}

TEST_F(RetryTest, AServerThatAsksForMoreThanIsLeftIsNotWaitedFor) {
  Retry retry(client, timing, rules);
  HttpFailure failure("x", true);
  failure.retry_after = 16min;
  EXPECT_THROW(retry.wait_after(failure), HttpFailure);
  failure.retry_after = 5min;
  retry.wait_after(failure);
  EXPECT_GE(clock.seconds(), 300);
}

TEST_F(RetryTest, ARealWaitEndsWhenTheClientIsClosed) {
  timing = real_timing();
  timing.chance = [] { return 0.999; };
  rules.first = 10min;
  std::thread closer([&] { client.close(); });
  Retry retry(client, timing, rules);
  EXPECT_THROW(retry.wait_after(HttpFailure("x", true)), HttpFailure);
  closer.join();
}

HttpReply reply_of(int status, const std::string& body) { return {status, {}, body}; }

TEST(HttpFailure, StatusesThatMayPass) {
  for (int status : {408, 429, 500, 502, 503, 504}) EXPECT_TRUE(status_failure(reply_of(status, "")).may_pass);
  for (int status : {301, 400, 401, 403, 404, 405, 409, 410, 411, 412, 413, 416, 501})
    EXPECT_FALSE(status_failure(reply_of(status, "")).may_pass) << status;
}

TEST(HttpFailure, TheServersMessageInAllItsShapes) {
  EXPECT_EQ(message_of_body(R"({"error":{"code":403,"message":"no right"}})"), "no right");
  EXPECT_EQ(message_of_body(R"({"error":{"code":"403","message":{"a":1}}})"), R"({"a":1})");
  EXPECT_EQ(message_of_body(R"({"error":"invalid_grant","error_description":"Bad key."})"), "Bad key.");
  EXPECT_EQ(message_of_body(R"({"error":"invalid_grant"})"), "invalid_grant");
  EXPECT_EQ(message_of_body(R"({"error":{"mess)"), R"({"error":{"mess)");
  EXPECT_EQ(message_of_body("\n<!DOCTYPE html><html>"), "(a page of HTML, not the service's answer)");
  EXPECT_EQ(message_of_body("line\n\x1b[31mtwo\xff"), "line  [31mtwo");
  EXPECT_EQ(message_of_body(""), "");
  EXPECT_EQ(message_of_body(std::string(1000, 'x')).size(), 403u);
  EXPECT_EQ(message_of_body(std::string(100'000, '[')).size(), 403u);
  EXPECT_EQ(message_of_body("[1]"), "[1]");
}

TEST(HttpFailure, RetryAfterIsReadOnlyWhereItIsANumber) {
  HttpReply reply = reply_of(503, "");
  reply.headers["retry-after"] = "12";
  EXPECT_EQ(status_failure(reply).retry_after, 12s);
  for (const char* other : {"", "-1", "12x", "Fri, 31 Dec 1999 23:59:59 GMT", "99999999999999999999"}) {
    reply.headers["retry-after"] = other;
    EXPECT_EQ(status_failure(reply).retry_after, std::nullopt) << other;
  }
}

TEST(HttpMessage, HidesAndEncodes) {
  std::string text = "a secret, a secret";
  hide(text, "secret");
  EXPECT_EQ(text, "a (hidden), a (hidden)");
  hide(text, "");
  EXPECT_EQ(text, "a (hidden), a (hidden)");
  EXPECT_EQ(percent_encoded("a/b c+ã~.-_%"), "a%2Fb%20c%2B%C3%A3~.-_%25");
}

}  // namespace
}  // namespace podium
