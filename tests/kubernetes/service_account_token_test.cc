#include "coordinator/kubernetes/service_account_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "coordinator/kubernetes/base64url.h"
#include "coordinator/kubernetes/key_set.h"
#include "tests/kubernetes/signing_key.h"
#include "worker/base/error.h"

namespace podium::kubernetes {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kNow = 1'800'000'000;

template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string part(const std::string& token, int number) {
  const size_t first = token.find('.'), last = token.rfind('.');
  return number == 0   ? token.substr(0, first)
         : number == 1 ? token.substr(first + 1, last - first - 1)
                       : token.substr(last + 1);
}

// Slow to make: one of each for all tests.
struct Keys {
  SigningKey rsa = SigningKey::rsa("rsa"), other = SigningKey::rsa("rsa");
  SigningKey p256 = SigningKey::curve("p256", "P-256"), p384 = SigningKey::curve("p384", "P-384"),
             p521 = SigningKey::curve("p521", "P-521");
};
const Keys& keys() {
  static const Keys made;
  return made;
}

std::string refusal(const KeySet& set, const std::string& token) {
  return set.refuse(split_token(token)).value_or("none");
}

TEST(Base64Url, IsDecodedAsTheRfcHasIt) {
  for (const auto& [text, bytes] : {std::pair<const char*, std::string>{"", ""},
                                    {"Zg", "f"},
                                    {"Zm8", "fo"},
                                    {"Zm9v", "foo"},
                                    {"-_8", "\xfb\xff"},
                                    {"AAA", std::string(2, '\0')}})
    EXPECT_EQ(decode_base64url(text), bytes) << text;
  std::mt19937 random(1);
  for (size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(decode_base64url(base64url(bytes)), bytes);
  }
}

TEST(Base64Url, RefusesOtherAlphabetsPaddingAndRestsThatAreNotZero) {
  for (const char* text : {"Zg==", "+/8", "Zm 9v", "Zm9v\n", "A", "AAAAA", "Zh", "Zm9", "\xc3\xa9", "Zm9v."})
    EXPECT_FALSE(decode_base64url(text)) << text;
}

TEST(ServiceAccountToken, OfTheApiServerIsTakenApart) {
  const std::string token = keys().rsa.token(projected_claims(kNow), "RS256");
  const SignedToken parts = split_token(token);
  EXPECT_EQ(parts.algorithm, "RS256");
  EXPECT_EQ(parts.key_id, "rsa");
  EXPECT_EQ(parts.signed_text, token.substr(0, token.rfind('.')));
  EXPECT_EQ(parts.signature.size(), 256u);
  const TokenClaims claims = parse_claims(parts.payload);
  EXPECT_THAT(claims.audiences, ElementsAre("podium"));
  EXPECT_EQ(claims.not_before, kNow);
  EXPECT_EQ(claims.expires, kNow + 3600);
  EXPECT_EQ(claims.name_space, "demo");
  EXPECT_EQ(claims.pod_name, "web-1");
  EXPECT_EQ(claims.pod_uid, "uid-1");
}

TEST(ServiceAccountToken, SaysWhatIsWrongWithoutItself) {
  const std::string token = keys().rsa.token(projected_claims(kNow), "RS256");
  auto with_header = [&](const std::string& header) {
    return base64url(header) + "." + part(token, 1) + "." + part(token, 2);
  };
  const std::pair<std::string, const char*> faults[] = {
      {"", "no token was given: give the pod the projected token of kubernetes/stateful-set.yaml"},
      {"secret", "no token: three parts"},
      {part(token, 0) + "." + part(token, 1), "no token: three parts"},
      {token + ".", "no token: three parts"},
      {token + std::string(16 << 10, 'A'), "more than 16384 bytes"},
      {"!" + token, "its header is not base64url"},
      {part(token, 0) + ".=" + part(token, 1) + "." + part(token, 2), "its payload is not base64url"},
      {token + "=", "its signature is not base64url"},
      {with_header("{"), "the token's header: not valid JSON"},
      {with_header("[]"), "the token's header: is array, an object was expected"},
      {with_header("{}"), "\"alg\" is missing"},
      {with_header("{\"alg\":7}"), "\"alg\" is number"},
      {with_header("{\"alg\":\"RS256\",\"alg\":\"none\"}"), "is there twice"},
      {with_header("{\"alg\":\"RS256\",\"crit\":[\"exp\"]}"), "found \"crit\""},
      {with_header(std::string(5000, '[')), "nested more than"},
  };
  for (const auto& [text, expected] : faults) {
    const std::string error = error_of([&, &text = text] { split_token(text); });
    EXPECT_THAT(error, HasSubstr(expected));
    EXPECT_THAT(error, Not(HasSubstr(part(token, 2).substr(0, 20))));
  }
}

TEST(ServiceAccountToken, ClaimsOfAnotherTypeAreNamed) {
  const std::pair<const char*, const char*> faults[] = {
      {"[]", "is array, an object was expected"},
      {"{\"aud\":7}", "\"aud\" is number"},
      {"{\"aud\":[\"podium\",7]}", "\"aud\" holds something else than texts"},
      {"{\"exp\":\"soon\"}", "\"exp\" is \"soon\""},
      {"{\"exp\":1e300}", "\"exp\" is"},
      {"{\"exp\":-1}", "\"exp\" is -1"},
      {"{\"nbf\":18446744073709551615}", "\"nbf\" is"},
      {"{\"kubernetes.io\":[]}", "\"kubernetes.io\" is array"},
      {"{\"kubernetes.io\":{\"namespace\":7}}", "\"namespace\" is number"},
      {"{\"kubernetes.io\":{\"pod\":\"web-1\"}}", "\"pod\" is string"},
      {"{\"kubernetes.io\":{\"pod\":{\"uid\":7}}}", "\"uid\" is number"},
  };
  for (const auto& [text, expected] : faults)
    EXPECT_THAT(error_of([&, text = text] { parse_claims(text); }), HasSubstr(expected)) << text;
}

TEST(ServiceAccountToken, IsForItsAudienceAlone) {
  json claims = projected_claims(kNow);
  auto refused = [&] { return refuse_claims(parse_claims(claims.dump()), "podium", kNow).value_or("none"); };
  EXPECT_EQ(refused(), "none");
  claims["aud"] = "podium";
  EXPECT_EQ(refused(), "none");
  claims["aud"] = {"https://kubernetes.default.svc", "podium"};
  EXPECT_EQ(refused(), "none");
  claims["aud"] = {"https://kubernetes.default.svc"};
  EXPECT_EQ(refused(),
            "the token's audience is https://kubernetes.default.svc, expected podium: give the pod the projected token "
            "of kubernetes/stateful-set.yaml");
  for (const json& other : {json("podium2"), json("Podium"), json(json::array({"podiu", "m"})), json(json::array())}) {
    claims["aud"] = other;
    EXPECT_THAT(refused(), HasSubstr("expected podium"));
  }
  claims.erase("aud");
  EXPECT_THAT(refused(), HasSubstr("audience is nobody in particular, expected podium"));
}

TEST(ServiceAccountToken, IsGoodFromItsBeginningToItsEndWithAMinuteForClocks) {
  json claims = projected_claims(kNow);
  auto refused = [&](int64_t now) {
    return refuse_claims(parse_claims(claims.dump()), "podium", now).value_or("none");
  };
  EXPECT_EQ(refused(kNow - 60), "none");
  EXPECT_THAT(refused(kNow - 61), HasSubstr("becomes valid in 61 s"));
  EXPECT_EQ(refused(kNow + 3659), "none");
  EXPECT_THAT(refused(kNow + 3660), HasSubstr("expired 60 s ago"));
  claims.erase("nbf");
  EXPECT_EQ(refused(0), "none");
  claims.erase("exp");
  EXPECT_THAT(refused(kNow), HasSubstr("never expires"));
}

TEST(KeySet, AcceptsEachAlgorithmWithItsKeyAlone) {
  const KeySet set(key_set(
      {keys().rsa.public_key(), keys().p256.public_key("ES256"), keys().p384.public_key(), keys().p521.public_key()}));
  EXPECT_EQ(set.size(), 4u);
  const json claims = projected_claims(kNow);
  for (const char* algorithm : {"RS256", "RS384", "RS512"})
    EXPECT_EQ(refusal(set, keys().rsa.token(claims, algorithm)), "none") << algorithm;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(refusal(set, keys().p256.token(claims, "ES256")), "none");
  EXPECT_EQ(refusal(set, keys().p384.token(claims, "ES384")), "none");
  EXPECT_EQ(refusal(set, keys().p521.token(claims, "ES512")), "none");
  // The digest or the key of another algorithm.
  EXPECT_THAT(refusal(set, keys().p256.token(claims, "ES384")), HasSubstr("algorithm ES384, for which its key (P-256"));
  EXPECT_THAT(refusal(set, keys().rsa.token(claims, "RS256", {{"alg", "ES256"}, {"kid", "rsa"}})),
              HasSubstr("algorithm ES256, for which its key (RSA)"));
  EXPECT_THAT(refusal(set, keys().rsa.token(claims, "RS256", {{"alg", "RS512"}, {"kid", "rsa"}})),
              HasSubstr("signature is not that"));
  EXPECT_THAT(refusal(set, keys().p256.token(claims, "ES256", {{"alg", "ES256"}, {"kid", "p384"}})),
              HasSubstr("for which its key (P-384)"));
  const KeySet narrow(key_set({keys().rsa.public_key("RS256")}));
  EXPECT_EQ(refusal(narrow, keys().rsa.token(claims, "RS256")), "none");
  EXPECT_THAT(refusal(narrow, keys().rsa.token(claims, "RS512")), HasSubstr("for which its key (RSA, RS256)"));
}

TEST(KeySet, NeverTakesAnUnsignedTokenNorOneOfTheKeyAsASecret) {
  const KeySet set(key_set({keys().rsa.public_key()}));
  const json claims = projected_claims(kNow);
  for (const char* algorithm : {"none", "None", "", "HS256", "PS256", "rs256", "EdDSA"}) {
    const std::string token = keys().rsa.token(claims, "RS256", {{"alg", algorithm}, {"kid", "rsa"}});
    EXPECT_THAT(refusal(set, token), HasSubstr(fmt::format("algorithm \"{}\", expected RS256", algorithm)));
    EXPECT_THAT(refusal(set, token.substr(0, token.rfind('.') + 1)), HasSubstr("expected RS256"));
  }
  const std::string token = keys().rsa.token(claims, "RS256");
  EXPECT_THAT(refusal(set, token.substr(0, token.rfind('.') + 1)), HasSubstr("signature is not that"));
}

TEST(KeySet, RefusesTheSignatureOfAnotherKeyAndOfAnotherText) {
  const json claims = projected_claims(kNow);
  const KeySet set(key_set({keys().rsa.public_key(), keys().p256.public_key()}));
  EXPECT_THAT(refusal(set, keys().other.token(claims, "RS256")), HasSubstr("signature is not that"));
  for (const std::string& token : {keys().rsa.token(claims, "RS256"), keys().p256.token(claims, "ES256")}) {
    json changed = claims;
    changed["kubernetes.io"]["pod"]["name"] = "web-0";
    EXPECT_THAT(refusal(set, part(token, 0) + "." + base64url(changed.dump()) + "." + part(token, 2)),
                HasSubstr("signature is not that"));
    const std::string signature = *decode_base64url(part(token, 2));
    for (const std::string& other : {signature.substr(1), signature + '\0', std::string(signature.size(), '\0')})
      EXPECT_THAT(refusal(set, part(token, 0) + "." + part(token, 1) + "." + base64url(other)),
                  HasSubstr("signature is not that"));
  }
}

// Deterministic: whatever is changed in a token, it is refused or an Error, and nothing worse happens.
TEST(KeySet, LetsNoMutatedTokenIn) {
  const KeySet set(key_set({keys().rsa.public_key(), keys().p256.public_key()}));
  const json claims = projected_claims(kNow);
  std::mt19937 random(7);
  for (const std::string& token : {keys().rsa.token(claims, "RS256"), keys().p256.token(claims, "ES256")})
    for (int round = 0; round < 2000; ++round) {
      std::string mutated = token;
      for (uint32_t changes = 1 + random() % 3; changes > 0; --changes) {
        const size_t at = random() % mutated.size();
        const char letter = static_cast<char>(random() % 4 == 0 ? random() : "Az09-_.A"[random() % 8]);
        if (random() % 3 == 0)
          mutated.erase(at, 1 + random() % 20);
        else if (random() % 2 == 0)
          mutated.insert(at, 1 + random() % 20, letter);
        else
          mutated[at] = letter;
      }
      if (mutated == token) continue;
      std::string reason;
      try {
        const SignedToken parts = split_token(mutated);
        reason = set.holds(parts.key_id) ? set.refuse(parts).value_or("") : "unknown key";
      } catch (const Error& error) {
        reason = error.what();
      }
      EXPECT_FALSE(reason.empty()) << mutated;
    }
}

TEST(KeySet, LeavesOutWhatItCannotUseAndSaysWhyNothingIsLeft) {
  const json good = keys().rsa.public_key(), curve = keys().p256.public_key();
  auto changed = [](json key, const char* name, const json& value) {
    key[name] = value;
    return key;
  };
  json no_id = good;
  no_id.erase("kid");
  const std::pair<json, const char*> faults[] = {
      {no_id, "\"kid\" is missing"},
      {changed(good, "kty", "oct"), "its type is \"oct\", expected RSA or EC"},
      {changed(good, "use", "enc"), "it is for \"enc\""},
      {changed(good, "n", "!"), "\"n\" is not base64url"},
      {changed(good, "n", base64url(std::string(128, '\xff'))), "\"n\" has 1024 bits, 2048 to 8192 are expected"},
      {changed(good, "n", base64url(std::string(1025, '\xff'))), "\"n\" has 8200 bits"},
      {changed(good, "n", base64url(std::string(256, '\xfe'))), "its numbers are none of a RSA key"},
      {changed(good, "e", base64url(std::string(5, '\x01'))), "\"e\" has more than 32 bits"},
      {changed(good, "e", ""), "numbers"},
      {changed(good, "e", base64url("\x01")), "numbers"},
      {changed(curve, "crv", "secp256k1"), "its curve is \"secp256k1\""},
      {changed(curve, "x", base64url(std::string(31, 'x'))), "have 31 and 32 bytes, 32 are expected"},
      {changed(curve, "x", base64url(std::string(32, 'x'))), "OpenSSL refuses its numbers"},
      {changed(curve, "y", 7), "\"y\" is number"},
      {json("key"), "is string, an object was expected"},
  };
  for (const auto& [key, expected] : faults) {
    const std::string error = error_of([&, &key = key] { KeySet set(key_set({key})); });
    EXPECT_THAT(error, HasSubstr("the key set: no key in it can be used: "));
    EXPECT_THAT(error, HasSubstr(expected));
    EXPECT_EQ(KeySet(key_set({key, keys().p384.public_key()})).size(), 1u);
  }
  EXPECT_THAT(error_of([] { KeySet set(key_set({})); }), HasSubstr("it is empty"));
  EXPECT_THAT(error_of([] { KeySet set(json::array()); }), HasSubstr("an object was expected"));
  EXPECT_THAT(error_of([] { KeySet set({{"keys", json::array()}, {"x", 1}}); }), HasSubstr("it is empty"));
  json many = key_set({});
  for (int i = 0; i < 101; ++i) many["keys"].push_back(good);
  EXPECT_THAT(error_of([&] { KeySet set(many); }), HasSubstr("101 keys, at most 100"));
}

}  // namespace
}  // namespace podium::kubernetes
