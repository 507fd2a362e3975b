#include "coordinator/kubernetes/service_account_token.h"

#include <algorithm>

#include "coordinator/kubernetes/base64url.h"
#include "worker/base/error.h"
#include "worker/json/strict_json.h"

namespace podium::kubernetes {
namespace {

using nlohmann::json;

constexpr size_t kLongestToken = 16 << 10;
constexpr JsonLimits kLimits{.depth = 8, .values = 1000};
constexpr int64_t kSkewSeconds = 60;
constexpr int64_t kYear10000 = 253'402'300'800;
constexpr char kProjected[] = "the projected token of kubernetes/stateful-set.yaml";

std::string decoded(std::string_view part, const char* name) {
  auto bytes = decode_base64url(part);
  if (!bytes) throw Error("the token: its {} is not base64url", name);
  return std::move(*bytes);
}

std::string text_of(const json& object, const char* key, const char* what) {
  return json_has(object, key) ? json_string(object, key, what) : "";
}

std::optional<int64_t> time_of(const json& claims, const char* key) {
  if (!json_has(claims, key)) return std::nullopt;
  return json_integer(claims, key, 0, kYear10000, "the token");
}

// A text, or a list of them (RFC 7519 section 4.1.3).
std::vector<std::string> audiences_of(const json& claims) {
  if (!json_has(claims, "aud")) return {};
  if (claims.at("aud").is_string()) return {claims.at("aud").get<std::string>()};
  std::vector<std::string> audiences;
  for (const json& audience : json_array(claims, "aud", "the token")) {
    if (!audience.is_string()) throw Error("the token: \"aud\" holds something else than texts");
    audiences.push_back(audience.get<std::string>());
  }
  return audiences;
}

}  // namespace

SignedToken split_token(std::string_view text) {
  if (text.empty()) throw Error("no token was given: give the pod {}", kProjected);
  if (text.size() > kLongestToken) throw Error("the token has more than {} bytes", kLongestToken);
  const size_t first = text.find('.'), last = text.rfind('.');
  if (first == last || text.find('.', first + 1) != last)
    throw Error("what was given is no token: three parts with dots between them are expected");
  const json header = parse_strict_json(decoded(text.substr(0, first), "header"), "the token's header", kLimits);
  // RFC 7515 section 4.1.11: who does not understand what is critical must refuse.
  if (header.is_object() && header.contains("crit")) throw Error("the token's header: found \"crit\", expected none");
  return {.algorithm = json_string(header, "alg", "the token's header"),
          .key_id = text_of(header, "kid", "the token's header"),
          .signed_text = std::string(text.substr(0, last)),
          .payload = decoded(text.substr(first + 1, last - first - 1), "payload"),
          .signature = decoded(text.substr(last + 1), "signature")};
}

TokenClaims parse_claims(const std::string& payload) {
  const json claims = parse_strict_json(payload, "the token", kLimits);
  if (!claims.is_object()) throw Error("the token: is {}, an object was expected", claims.type_name());
  TokenClaims parsed;
  parsed.audiences = audiences_of(claims);
  parsed.not_before = time_of(claims, "nbf");
  parsed.expires = time_of(claims, "exp");
  if (!json_has(claims, "kubernetes.io")) return parsed;
  const json& own = json_object(claims, "kubernetes.io", "the token");
  parsed.name_space = text_of(own, "namespace", "the token");
  if (!json_has(own, "pod")) return parsed;
  const json& pod = json_object(own, "pod", "the token");
  parsed.pod_name = text_of(pod, "name", "the token");
  parsed.pod_uid = text_of(pod, "uid", "the token");
  return parsed;
}

std::optional<std::string> refuse_claims(const TokenClaims& claims, const std::string& audience, int64_t unix_seconds) {
  const auto& found = claims.audiences;
  if (std::find(found.begin(), found.end(), audience) == found.end())
    return fmt::format("the token's audience is {}, expected {}: give the pod {}",
                       found.empty() ? "nobody in particular" : fmt::format("{}", fmt::join(found, ", ")), audience,
                       kProjected);
  if (!claims.expires)
    return fmt::format("the token never expires, one that does is expected: give the pod {}", kProjected);
  const int64_t late = unix_seconds - *claims.expires, early = claims.not_before.value_or(0) - unix_seconds;
  if (late >= kSkewSeconds)
    return fmt::format(
        "the token expired {} s ago: Kubernetes renews the one in the pod's volume; else a node's clock is wrong",
        late);
  if (early > kSkewSeconds)
    return fmt::format("the token becomes valid in {} s: the clock of a node, or of the API server, is wrong", early);
  return std::nullopt;
}

}  // namespace podium::kubernetes
