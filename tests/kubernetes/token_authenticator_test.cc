#include "coordinator/kubernetes/token_authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kubernetes/kubernetes_testing.h"
#include "tests/kubernetes/signing_key.h"

namespace podium::kubernetes {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Exchange = FakeApiServer::Exchange;

constexpr char kAccepted[] = "accepted";
constexpr int64_t kTimeOfDay = 1'800'000'000;

// Slow to make: one for all tests.
const SigningKey& api_server_key() {
  static const SigningKey key = SigningKey::rsa("first");
  return key;
}

struct TokenAuthenticatorTest : testing::Test {
  TokenAuthenticatorTest() { cluster.server.hold_keys(key_set({api_server_key().public_key("RS256")})); }

  // Short waits move the clock; the rest of an hour lasts until it is cut short.
  TimeAndChance time() {
    TimeAndChance time = cluster.time.time();
    time.wait = [this, stepped = time.wait](Duration wait) {
      return wait < std::chrono::minutes(30) ? stepped(wait) : wait;
    };
    time.unix_seconds = [this] { return unix_seconds; };
    return time;
  }

  void start() {
    const TokenRules rules{"demo", "web",
                           [this](const Claimant& pod) {
                             asked.push_back(pod);
                             return dead;
                           },
                           [this] { return knows_pods; }};
    authenticator = std::make_unique<TokenAuthenticator>(cluster.io, cluster.credentials(), rules, time());
  }
  void start_with_keys() {
    start();
    ASSERT_TRUE(cluster.run_until([&] { return refusal() == kAccepted; })) << refusal();
    asked.clear();
  }

  std::string token(const json& claims) const { return api_server_key().token(claims, "RS256"); }
  std::string refusal(const std::string& credential, const Claimant& claimant) {
    return authenticator->refuse(credential, &claimant).value_or(kAccepted);
  }
  std::string refusal(const json& claims) { return refusal(token(claims), pod); }
  std::string refusal() { return refusal(projected_claims(kTimeOfDay)); }
  std::string status_refusal(const json& claims) {
    return authenticator->refuse(token(claims), nullptr).value_or(kAccepted);
  }
  size_t requests() const { return cluster.server.requests("GET /openid/v1/jwks").size(); }
  void run_a_while() {
    for (int i = 0; i < 20; ++i) {
      cluster.io.restart();
      cluster.io.run_one_for(std::chrono::milliseconds(10));
    }
  }

  const Claimant pod{1, "web-1", "uid-1"};
  Cluster cluster;
  int64_t unix_seconds = kTimeOfDay;
  bool knows_pods = true;
  std::optional<std::string> dead;  // why the pod is no live one
  std::vector<Claimant> asked;
  std::unique_ptr<TokenAuthenticator> authenticator;
};

TEST_F(TokenAuthenticatorTest, LetsInTheLivePodThatTheTokenWasMadeFor) {
  start_with_keys();
  EXPECT_EQ(refusal(), kAccepted);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].name, "web-1");
  EXPECT_EQ(asked[0].uid, "uid-1");
  EXPECT_EQ(asked[0].ordinal, 1u);
  EXPECT_EQ(requests(), 1u);
  dead = "pod web-1 was deleted";
  EXPECT_EQ(refusal(), "pod web-1 was deleted");
}

TEST_F(TokenAuthenticatorTest, RefusesWhoIsNotThePodOfTheToken) {
  start_with_keys();
  const std::string good = token(projected_claims(kTimeOfDay));
  EXPECT_EQ(refusal(good, {2, "web-2", "uid-1"}),
            "the token is of pod web-1 (uid uid-1), but the worker says to be pod web-2 (uid uid-1)");
  EXPECT_EQ(refusal(good, {1, "web-1", "uid-2"}),
            "the token is of pod web-1 (uid uid-1), but the worker says to be pod web-1 (uid uid-2)");
  EXPECT_EQ(refusal(good, {2, "web-1", "uid-1"}),
            "pod web-1 says to be worker 2: the ordinal is what follows the last dash of the name");
  EXPECT_TRUE(asked.empty());
}

TEST_F(TokenAuthenticatorTest, RefusesTokensOfOthers) {
  start_with_keys();
  auto claims_with = [](const char* path, const json& value) {
    json claims = projected_claims(kTimeOfDay);
    claims[json::json_pointer(path)] = value;
    return claims;
  };
  EXPECT_EQ(refusal(claims_with("/kubernetes.io/namespace", "other")),
            "the token is of the namespace other, expected demo");
  EXPECT_THAT(refusal(claims_with("/aud", {"https://kubernetes.default.svc"})),
              AllOf(HasSubstr("audience is https://kubernetes.default.svc, expected podium"),
                    HasSubstr("kubernetes/stateful-set.yaml")));
  json unbound = projected_claims(kTimeOfDay);
  unbound["kubernetes.io"].erase("pod");
  EXPECT_THAT(refusal(unbound), HasSubstr("bound to no pod"));
  EXPECT_THAT(refusal(claims_with("/kubernetes.io/pod/uid", nullptr)), HasSubstr("bound to no pod"));
  for (const char* name : {"web-x-1", "webs-1", "1", "web-01", "web", "-1"}) {
    const Claimant claimant{1, name, "uid-1"};
    EXPECT_EQ(refusal(token(claims_with("/kubernetes.io/pod/name", name)), claimant),
              fmt::format("the token is of pod {}, expected a pod of the StatefulSet web", name));
  }
  EXPECT_TRUE(asked.empty());
}

TEST_F(TokenAuthenticatorTest, RefusesTokensOfAnotherTime) {
  start_with_keys();
  unix_seconds = kTimeOfDay + 7200;
  EXPECT_THAT(refusal(), HasSubstr("the token expired 3600 s ago"));
  unix_seconds = kTimeOfDay - 1000;
  EXPECT_THAT(refusal(), HasSubstr("becomes valid in 1000 s"));
  unix_seconds = kTimeOfDay + 3659;
  EXPECT_EQ(refusal(), kAccepted);
}

TEST_F(TokenAuthenticatorTest, RefusesForgedTokensAndWhatIsNone) {
  start_with_keys();
  const SigningKey forger = SigningKey::rsa("first");
  const std::string forged = forger.token(projected_claims(kTimeOfDay), "RS256");
  EXPECT_EQ(refusal(forged, pod), "the token's signature is not that of this cluster's API server");
  EXPECT_THAT(refusal("correct-horse-battery-staple", pod),
              AllOf(HasSubstr("what was given is no token"), Not(HasSubstr("horse"))));
  EXPECT_THAT(refusal("", pod), HasSubstr("no token was given"));
  EXPECT_THAT(refusal(api_server_key().token({{"aud", "podium"}, {"exp", "soon"}}, "RS256"), pod),
              HasSubstr("\"exp\""));
  EXPECT_TRUE(asked.empty());
}

TEST_F(TokenAuthenticatorTest, NeverShowsATokenNorUnprintableText) {
  start_with_keys();
  json claims = projected_claims(kTimeOfDay);
  claims["aud"] = "two\nlines" + std::string(4000, 'x');
  const std::string long_one = refusal(claims);
  EXPECT_THAT(long_one, AllOf(HasSubstr("two lines"), Not(HasSubstr("\n"))));
  EXPECT_LT(long_one.size(), 1000u);
  const std::string other =
      api_server_key().token(projected_claims(kTimeOfDay), "RS256", {{"alg", "RS256"}, {"kid", "a\nb"}});
  EXPECT_THAT(refusal(other, pod), AllOf(HasSubstr("\"a b\""), Not(HasSubstr(other.substr(other.rfind('.') + 1, 16)))));
}

TEST_F(TokenAuthenticatorTest, TellsTheStatusToAnyLivePod) {
  start_with_keys();
  json claims = projected_claims(kTimeOfDay);
  claims["kubernetes.io"]["pod"] = {{"name", "web-12"}, {"uid", "uid-12"}};
  EXPECT_EQ(status_refusal(claims), kAccepted);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].name, "web-12");
  EXPECT_EQ(asked[0].ordinal, 12u);
  dead = "not alive";
  EXPECT_EQ(status_refusal(claims), "not alive");
  claims["kubernetes.io"]["pod"]["name"] = "other-12";
  EXPECT_THAT(status_refusal(claims), HasSubstr("expected a pod of the StatefulSet web"));
}

TEST_F(TokenAuthenticatorTest, LetsNobodyInBeforeTheKeySetWasRead) {
  cluster.server.stop();
  start();
  EXPECT_EQ(refusal(),
            "the API server's key set (/openid/v1/jwks) has not been read yet: it is being asked for; the worker tries "
            "again by itself");
  ASSERT_TRUE(cluster.run_until([&] { return cluster.time.waits.size() >= 8; }));
  EXPECT_THAT(refusal(), AllOf(StartsWith("the API server's key set (/openid/v1/jwks) has not been read yet: "),
                               HasSubstr("connection refused"), HasSubstr("; the worker tries again by itself")));
  EXPECT_TRUE(asked.empty());
  // By the rule of Backoff, with chance one half.
  EXPECT_THAT(std::vector<double>(cluster.time.waits.begin(), cluster.time.waits.begin() + 8),
              testing::ElementsAre(1.2, 2.4, 4.8, 9.6, 19.2, 38.4, 45, 45));
  cluster.server.start();
  EXPECT_TRUE(cluster.run_until([&] { return refusal() == kAccepted; }));
}

TEST_F(TokenAuthenticatorTest, IsReadyWhenTheKeySetAndThePodsWereRead) {
  knows_pods = false;
  start();
  EXPECT_FALSE(authenticator->is_ready());
  ASSERT_TRUE(cluster.run_until([&] { return refusal() == kAccepted; }));
  EXPECT_FALSE(authenticator->is_ready()) << "the pods have not been read";
  knows_pods = true;
  EXPECT_TRUE(authenticator->is_ready());
}

// The reason is to be told then, and it stays ready: a key set that was read once stays.
TEST_F(TokenAuthenticatorTest, IsReadyToSayThatTheKeySetCouldNotBeRead) {
  cluster.server.stop();
  start();
  EXPECT_FALSE(authenticator->is_ready());
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.time.waits.empty(); }));
  EXPECT_TRUE(authenticator->is_ready());
  EXPECT_THAT(refusal(), HasSubstr("connection refused"));
}

TEST_F(TokenAuthenticatorTest, SaysWhyTheKeySetCannotBeRead) {
  using Script = FakeApiServer::Script;
  auto status = [](int code) -> Script {
    return [code](Exchange& e) { e.answer(code, status_body(code, "Reason", "message")); };
  };
  auto body = [](const char* text) -> Script { return [text](Exchange& e) { e.answer(200, text); }; };
  const std::pair<Script, std::string> answers[] = {
      {status(401), "does not accept this pod's ServiceAccount token"},
      {status(403), "bind the ClusterRole system:service-account-issuer-discovery to the group system:serviceaccounts"},
      {status(404), "its --service-account-issuer is no https address"},
      {status(500), "500"},
      {body("{}"), "\"keys\" is missing"},
      {body("[]"), "an object was expected"},
      {body("{\"keys\":7}"), "\"keys\" is number"},
      {body("{\"keys\":[]}"), "it is empty"},
      {body("no JSON"), "not valid JSON"},
  };
  for (const auto& [script, expected] : answers) {
    bool is_told = false;
    cluster.server.instead("/openid", script);
    TimeAndChance time = this->time();
    time.wait = [&, expected = expected](Duration) {
      is_told = refusal().find("has not been read yet: ") != std::string::npos;
      EXPECT_THAT(refusal(), HasSubstr(expected));
      return Duration(std::chrono::hours(1));
    };
    const TokenRules rules{"demo", "web", [](const Claimant&) { return std::nullopt; }};
    authenticator = std::make_unique<TokenAuthenticator>(cluster.io, cluster.credentials(), rules, time);
    EXPECT_TRUE(cluster.run_until([&] { return is_told; })) << expected;
  }
}

TEST_F(TokenAuthenticatorTest, ReadsTheKeySetAgainWhenATokenNamesAnotherKeyButNotMoreOftenThanEvery10Seconds) {
  start_with_keys();
  const SigningKey next = SigningKey::curve("next", "P-256");
  cluster.server.hold_keys(key_set({api_server_key().public_key(), next.public_key()}));
  const std::string renewed = next.token(projected_claims(kTimeOfDay), "ES256");
  EXPECT_THAT(refusal(renewed, pod),
              AllOf(HasSubstr("signed by the key \"next\", which is none of the 1 in the API server's key set"),
                    HasSubstr("tries again by itself")));
  run_a_while();
  EXPECT_EQ(requests(), 1u) << "read a moment ago";
  cluster.time.now += std::chrono::seconds(10);
  refusal(renewed, pod);
  EXPECT_TRUE(cluster.run_until([&] { return refusal(renewed, pod) == kAccepted; }));
  EXPECT_EQ(requests(), 2u);
  const SigningKey stranger = SigningKey::curve("stranger", "P-256");
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(refusal(stranger.token(projected_claims(kTimeOfDay), "ES256"), pod), HasSubstr("none of the 2"));
    cluster.time.now += std::chrono::milliseconds(90);
  }
  run_a_while();
  EXPECT_EQ(requests(), 2u);
}

TEST_F(TokenAuthenticatorTest, KeepsTheKeySetWhileTheServerIsAwayOrAnswersNonsense) {
  start_with_keys();
  const SigningKey stranger = SigningKey::curve("stranger", "P-256");
  const std::string strange = stranger.token(projected_claims(kTimeOfDay), "ES256");
  cluster.server.hold_keys({{"keys", "none"}});
  cluster.time.now += std::chrono::seconds(11);
  refusal(strange, pod);
  EXPECT_TRUE(cluster.run_until([&] { return refusal(strange, pod).find("\"keys\" is string") != std::string::npos; }));
  EXPECT_EQ(refusal(), kAccepted);
  cluster.server.stop();
  EXPECT_TRUE(cluster.run_until([&] { return refusal(strange, pod).find("connection refused") != std::string::npos; }));
  EXPECT_EQ(refusal(), kAccepted);
}

TEST_F(TokenAuthenticatorTest, ReadsTheKeySetEveryHour) {
  bool is_hour_over = false;
  std::vector<double> hours;
  TimeAndChance time = this->time();
  time.wait = [&](Duration wait) {
    hours.push_back(std::chrono::duration<double>(wait).count());
    return std::exchange(is_hour_over, false) ? Duration::zero() : Duration(std::chrono::hours(1));
  };
  is_hour_over = true;
  const TokenRules rules{"demo", "web", [](const Claimant&) { return std::nullopt; }};
  authenticator = std::make_unique<TokenAuthenticator>(cluster.io, cluster.credentials(), rules, time);
  EXPECT_TRUE(cluster.run_until([&] { return requests() == 2 && hours.size() == 2; }));
  EXPECT_THAT(hours, testing::ElementsAre(3600, 3600));
  EXPECT_EQ(cluster.server.connections(), 1);
}

TEST_F(TokenAuthenticatorTest, DestroyedAtAnyMomentAsksForNothingMore) {
  for (int i = 0; i < 20; ++i) {
    start();
    for (int step = 0; step < i; ++step) {
      cluster.io.restart();
      cluster.io.run_one_for(std::chrono::milliseconds(2));
    }
    authenticator.reset();
    EXPECT_TRUE(cluster.run_until([&] {
      cluster.io.restart();
      cluster.io.poll();
      return cluster.io.stopped();
    })) << "something is still waited for";
  }
}

}  // namespace
}  // namespace podium::kubernetes
