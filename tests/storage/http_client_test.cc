#include "worker/storage/http/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/error_of.h"
#include "tests/slowdown.h"
#include "tests/storage/gcs_testing.h"
#include "tests/temporary_folder.h"

namespace podium {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::HasSubstr;
using Kind = GcsFault::Kind;

HttpReply get(HttpClient& client, const std::string& url) { return client.perform({.url = url}); }

std::string object_url(const GcsServer& server, const std::string& name) {
  return server.url() + "/storage/v1/b/bucket/o/" + name + "?alt=media";
}

TEST(HttpClient, ConnectionsAreKept) {
  GcsServer server;
  server.bucket().put("object", "123456789");
  HttpClient client;
  for (int i = 0; i < 5; ++i) {
    const HttpReply reply = get(client, object_url(server, "object"));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "123456789");
    EXPECT_EQ(reply.header("content-type"), "application/octet-stream");
    EXPECT_EQ(reply.header("x-goog-hash"), "crc32c=4waSgw==,md5=1B2M2Y8AsgTpgAmY7PhCfg==");
    EXPECT_TRUE(date_of(reply));
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, SeveralAtOnce) {
  GcsServer server;
  const std::string content = some_bytes(2'000'000);
  server.bucket().put("object", content);
  HttpClient client;
  std::vector<std::thread> threads;
  std::atomic<int> equal{0};
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&] {
      std::string seen;
      HttpRequest request{.url = object_url(server, "object")};
      request.sink = [&](std::string_view bytes) { seen += bytes; };
      client.perform(request);
      equal += seen == content ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, 6);
}

TEST(HttpClient, AnyStatusIsAnAnswerAndNoneIsFollowed) {
  GcsServer server;
  HttpClient client;
  for (int status : {204, 301, 307, 308, 404, 499, 503}) {
    server.meet("GET /x", {Kind::kStatus, status});
    EXPECT_EQ(get(client, server.url() + "/x").status, status);
  }
  EXPECT_EQ(server.count("GET /"), 7u);
}

TEST(HttpClient, ABodyThatIsKeptIsBounded) {
  GcsServer server;
  server.bucket().put("object", std::string(3000, 'x'));
  HttpClient client;
  EXPECT_THAT(error_of([&] { client.perform({.url = object_url(server, "object"), .kept_bytes = 2999}); }),
              HasSubstr("larger than the 2999 bytes allowed here"));
  EXPECT_EQ(client.perform({.url = object_url(server, "object"), .kept_bytes = 3000}).body.size(), 3000u);
  EXPECT_EQ(client.perform({.url = server.url() + "/none", .kept_bytes = 7}).body.size(), 7u) << "of an error a part";
}

TEST(HttpClient, FailuresOfTheConnectionMayPass) {
  GcsServer server;
  server.bucket().put("object", std::string(3000, 'x'));
  HttpClient client({.stall = 200ms * kSlowdown});
  for (Kind kind : {Kind::kResetAfter, Kind::kLostReply, Kind::kShortReply, Kind::kNoHttp, Kind::kStall}) {
    server.meet("GET", {kind}, 3);  // libcurl itself repeats on a kept connection
    try {
      const HttpReply reply = get(client, object_url(server, "object"));
      ADD_FAILURE() << name_of(kind) << ": " << reply.status;
    } catch (const HttpFailure& failure) {
      EXPECT_TRUE(failure.may_pass) << name_of(kind) << ": " << failure.what();
      EXPECT_EQ(failure.status, 0);
    }
    while (true) try {
        if (get(client, object_url(server, "object")).status == 200) break;
      } catch (const HttpFailure&) {  // what is left of the three
      }
  }
}

TEST(HttpClient, ATimeoutHoldsForAllOfIt) {
  GcsServer server;
  server.meet("GET", {Kind::kStall});
  HttpClient client;
  EXPECT_THAT(error_of([&] { client.perform({.url = server.url() + "/x", .timeout = 50ms}); }),
              HasSubstr("no whole answer within the time allowed"));
}

TEST(HttpClient, CertificatesAreVerified) {
  const CertificateAuthority authority, other;
  const TemporaryFolder folder;
  const std::string good = folder.write("good.pem", authority.certificate());
  const std::string bad = folder.write("bad.pem", other.certificate());
  GcsServer server("bucket", authority.issue("IP:127.0.0.1"));
  server.bucket().put("object", "content");
  HttpClient trusting({.certificate_authorities = good}), stranger({.certificate_authorities = bad}), plain;
  EXPECT_EQ(get(trusting, object_url(server, "object")).body, "content");
  for (HttpClient* client : {&stranger, &plain}) try {
      get(*client, object_url(server, "object"));
      ADD_FAILURE() << "the certificate was accepted";
    } catch (const HttpFailure& failure) {
      EXPECT_FALSE(failure.may_pass) << failure.what();
      EXPECT_THAT(failure.what(), HasSubstr("certificate"));
    }
  GcsServer misnamed("bucket", authority.issue("DNS:elsewhere.example"));
  EXPECT_THROW(get(trusting, misnamed.url()), HttpFailure);
  GcsServer expired("bucket", authority.issue("IP:127.0.0.1", -1));
  EXPECT_THROW(get(trusting, expired.url()), HttpFailure);
}

TEST(HttpClient, AProxyOfTheEnvironmentIsUsedUnlessTheRequestSaysNo) {
  GcsServer server, proxy;
  server.bucket().put("object", "content");
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  HttpClient client;
  EXPECT_EQ(client.perform({.url = object_url(server, "object"), .may_use_proxy = false}).body, "content");
  EXPECT_EQ(proxy.count(""), 0u);
  get(client, object_url(server, "object"));
  ::unsetenv("http_proxy");
  EXPECT_EQ(proxy.count(server.address()), 1u);
}

TEST(HttpClient, UrlsAreNotInErrors) {
  HttpClient client({.connect = 200ms});
  const std::string error =
      error_of([&] { get(client, "http://127.0.0.1:9/upload?upload_id=secret-session-1&token=secret"); });
  EXPECT_THAT(error, testing::Not(HasSubstr("secret")));
  EXPECT_NE(error, "");
}

TEST(HttpClient, EndsWithRequestsUnderWay) {
  GcsServer server;
  server.meet("GET", {Kind::kStall}, 4);
  std::atomic<int> ended{0};
  std::vector<std::thread> threads;
  {
    HttpClient client;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        EXPECT_THROW(get(client, server.url() + "/x"), HttpFailure);
        ++ended;
      });
    while (server.count("GET") < 4) std::this_thread::sleep_for(1ms);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ended, 4);
}

}  // namespace
}  // namespace podium
