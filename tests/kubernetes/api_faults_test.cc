// Answers that are none, and servers that are not the cluster's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/kubernetes/api_connection.h"
#include "tests/kubernetes/kubernetes_testing.h"

namespace podium::kubernetes {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Kind = ApiError::Kind;
using Exchange = FakeApiServer::Exchange;

constexpr char kPods[] = "/api/v1/namespaces/demo/pods?";

ApiError error_of_get(Cluster& cluster, ApiLimits limits = {}, const std::string& host = "127.0.0.1") {
  ApiConnection connection(cluster.io, cluster.credentials(host), cluster.time.time(), limits);
  const auto outcome = cluster.run(connection.get(kPods));
  return outcome.error.value_or(ApiError(Kind::kStatus, "no error"));
}

ApiError error_of_answer(FakeApiServer::Script script, ApiLimits limits = {}) {
  Cluster cluster;
  cluster.server.instead("GET", std::move(script));
  return error_of_get(cluster, limits);
}

TEST(ApiFaults, AStatusGivesItsCodeReasonAndMessage) {
  const ApiError error = error_of_answer([](Exchange& e) {
    e.answer(403, status_body(403, "Forbidden", "pods is forbidden: User \"x\" cannot list\n resource"));
  });
  EXPECT_EQ(error.kind, Kind::kStatus);
  EXPECT_EQ(error.details.code, 403);
  EXPECT_EQ(error.details.reason, "Forbidden");
  EXPECT_THAT(error.what(), AllOf(HasSubstr("GET /api/v1/namespaces/demo/pods: 403 Forbidden: pods is forbidden"),
                                  HasSubstr("cannot list  resource")));
}

TEST(ApiFaults, ARefusalWithoutAStatusIsStillClear) {
  const auto text = [](int code, const std::string& body) {
    const ApiError error = error_of_answer([=](Exchange& e) { e.answer(code, body); });
    EXPECT_EQ(error.details.code, code);
    return std::string(error.what());
  };
  EXPECT_THAT(text(500, ""), HasSubstr("HTTP 500 with an empty body"));
  EXPECT_THAT(text(502, "<html>\x1b[31mBad Gateway"),
              HasSubstr("HTTP 502 with a body that is no Status: <html> [31mBad Gateway"));
  EXPECT_THAT(text(500, "{\"kind\":\"Status\",\"mess"), HasSubstr("no Status: {\"kind\":\"Status\",\"mess"));
  EXPECT_THAT(text(500, "{\"kind\":\"Status\"}"), HasSubstr("500, without a message"));
  EXPECT_THAT(text(500, "{\"kind\":\"Status\",\"code\":99999999999,\"message\":7}"), HasSubstr(": 500, without"));
  EXPECT_THAT(text(302, ""), HasSubstr("HTTP 302"));
  EXPECT_LT(text(500, std::string(500'000, 'x')).size(), 600u);
}

TEST(ApiFaults, ARefusalThatIsCutKeepsItsCode) {
  const ApiError error = error_of_answer([](Exchange& e) {
    e.write("HTTP/1.1 503 -\r\nContent-Length: 100\r\n\r\nover");
    e.close();
  });
  EXPECT_EQ(error.details.code, 503);
  EXPECT_THAT(error.what(), HasSubstr("HTTP 503 with a body that is no Status: over"));
}

TEST(ApiFaults, NoErrorHoldsTheToken) {
  const ApiError plain = error_of_answer([](Exchange& e) { e.answer(400, "you sent " + e.header("Authorization")); });
  EXPECT_THAT(plain.what(), AllOf(HasSubstr("you sent Bearer (token)"), Not(HasSubstr("token-1"))));
  const ApiError status =
      error_of_answer([](Exchange& e) { e.answer(400, status_body(400, "BadRequest", e.header("Authorization"))); });
  EXPECT_THAT(status.what(), AllOf(HasSubstr("Bearer (token)"), Not(HasSubstr("token-1"))));
}

TEST(ApiFaults, AnAnswerThatIsNoJsonIsMalformed) {
  for (const std::string body : {"", "garbage", "{\"a\":1", "{\"a\":1,\"a\":2}", "\xff"}) {
    const ApiError error = error_of_answer([=](Exchange& e) { e.answer(200, body); });
    EXPECT_EQ(error.kind, Kind::kMalformed) << body;
    EXPECT_THAT(error.what(), HasSubstr("GET /api/v1/namespaces/demo/pods: ")) << body;
  }
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_THAT(error_of_answer([=](Exchange& e) { e.answer(200, deep); }).what(), HasSubstr("nested more than 64 deep"));
}

TEST(ApiFaults, AnAnswerThatIsNoHttpIsMalformed) {
  EXPECT_EQ(error_of_answer([](Exchange& e) {
              e.write("SSH-2.0-OpenSSH_9.2\r\n\r\n");
              e.hang();
            }).kind,
            Kind::kMalformed);
  EXPECT_EQ(error_of_answer([](Exchange& e) {
              e.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n");
              e.hang();
            }).kind,
            Kind::kMalformed);
  EXPECT_EQ(error_of_answer([](Exchange& e) {
              e.write("HTTP/1.1 200 OK\r\nX-Long: " + std::string(100'000, 'x') + "\r\n\r\n");
              e.hang();
            }).kind,
            Kind::kMalformed);
}

TEST(ApiFaults, AnAnswerThatIsCutIsBroken) {
  EXPECT_EQ(error_of_answer([](Exchange& e) { e.close(); }).kind, Kind::kBroken);
  EXPECT_EQ(error_of_answer([](Exchange& e) { e.reset(); }).kind, Kind::kBroken);
  for (const bool is_reset : {false, true})
    EXPECT_EQ(error_of_answer([=](Exchange& e) {
                e.begin();
                e.chunk("{}");  // whole in itself, but the body is not
                if (is_reset) e.reset();
                e.close();
              }).kind,
              Kind::kBroken);
  EXPECT_EQ(error_of_answer([](Exchange& e) {
              e.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}");
              e.close();
            }).kind,
            Kind::kBroken);
}

TEST(ApiFaults, AnAnswerIsBounded) {
  const ApiLimits limits{.body_bytes = 100'000};
  const ApiError endless = error_of_answer(
      [](Exchange& e) {
        e.begin();
        for (int i = 0; i < 1000; ++i) e.chunk(std::string(10'000, ' '));
        e.hang();
      },
      limits);
  EXPECT_EQ(endless.kind, Kind::kMalformed);
  EXPECT_THAT(endless.what(), HasSubstr("an answer of more than 100000 bytes"));
  EXPECT_THAT(error_of_answer([](Exchange& e) { e.answer(200, std::string(200'000, ' ')); }, limits).what(),
              HasSubstr("an answer of more than 100000 bytes"));
}

TEST(ApiFaults, AnAnswerMustComeWithinTheDeadline) {
  const ApiLimits limits{.deadline = std::chrono::milliseconds(400)};
  EXPECT_EQ(error_of_answer([](Exchange& e) { e.hang(); }, limits).kind, Kind::kTimeout);
  const ApiError slow = error_of_answer(
      [](Exchange& e) {
        e.begin();
        while (true) {
          e.chunk(" ");
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
      },
      limits);
  EXPECT_EQ(slow.kind, Kind::kTimeout);
  EXPECT_THAT(slow.what(), HasSubstr("no answer within the deadline"));
}

TEST(ApiFaults, AServerThatIsAwayRefuses) {
  Cluster cluster;
  cluster.server.stop();
  const ApiError error = error_of_get(cluster);
  EXPECT_EQ(error.kind, Kind::kRefused);
  EXPECT_THAT(error.what(), HasSubstr("connection refused"));
}

TEST(ApiFaults, OnlyTheClustersServerIsTrusted) {
  Cluster other_name("DNS:other,IP:10.0.0.1"), expired("IP:127.0.0.1", -1), stranger;
  stranger.account.folder.write("ca.crt", CertificateAuthority().certificate());
  for (const auto& [cluster, reason] :
       {std::pair(&other_name, "IP address mismatch"), {&expired, "has expired"}, {&stranger, "issuer certificate"}}) {
    const ApiError error = error_of_get(*cluster);
    EXPECT_EQ(error.kind, Kind::kCertificate);
    EXPECT_THAT(error.what(), HasSubstr(reason));
    EXPECT_TRUE(cluster->server.requests().empty());
  }
  EXPECT_THAT(error_of_get(other_name, {}, "localhost").what(), HasSubstr("hostname mismatch"));
}

TEST(ApiFaults, TheAuthorityIsReadAtEachConnection) {
  Cluster cluster;
  ApiConnection connection(cluster.io, cluster.credentials(), cluster.time.time());
  const std::string good = cluster.authority.certificate();
  cluster.account.folder.write("ca.crt", CertificateAuthority().certificate());
  EXPECT_EQ(cluster.run(connection.get(kPods)).error->kind, Kind::kCertificate);
  cluster.account.folder.write("ca.crt", CertificateAuthority().certificate() + good);
  EXPECT_TRUE(cluster.run(connection.get(kPods)).value);
}

}  // namespace
}  // namespace podium::kubernetes
