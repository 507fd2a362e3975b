#include "tests/cluster/small_api_server/identities.h"

#include <algorithm>
#include <chrono>
#include <sstream>

#include "coordinator/kubernetes/base64url.h"
#include "tests/cluster/small_api_server/refusal.h"

namespace podium::cluster::small {
namespace {

using nlohmann::json;

constexpr char kIssuer[] = "https://kubernetes.default.svc.cluster.local", kAlgorithm[] = "RS256";
constexpr int kShortest = 600;
// A pod's own token, asked for so, is good for a year: clients may be too old to read it again.
constexpr int kPodsOwn = 3607, kYear = 365 * 24 * 3600;

int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Refusal unauthorized() { return refuse(401, "Unauthorized", "Unauthorized"); }

json names(const json& object) { return {{"name", name_of(object)}, {"uid", uid_of(object)}}; }

}  // namespace

bool User::is_in(const std::string& group) const { return std::count(groups.begin(), groups.end(), group) > 0; }

Identities::Identities(const fs::path& pki, Store& store)
    : store_(store), key_(SigningKey::read(read_file(pki / "sa.key"))) {
  std::istringstream lines(read_file(pki / "tokens.csv"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string token, name, uid, group;
    std::getline(fields, token, ',');
    std::getline(fields, name, ',');
    std::getline(fields, uid, ',');
    std::getline(fields, group, ',');
    users_[token] = {name, {"system:authenticated", group}};
  }
}

User Identities::authenticate(const std::string& authorization) const {
  static const std::string kBearer = "Bearer ";
  if (authorization.empty()) return {"system:anonymous", {"system:unauthenticated"}};
  if (!authorization.starts_with(kBearer)) throw unauthorized();
  const std::string token = authorization.substr(kBearer.size());
  if (const auto user = users_.find(token); user != users_.end()) return user->second;
  const size_t first = token.find('.'), last = token.rfind('.');
  if (first == std::string::npos || first == last) throw unauthorized();
  const auto payload = kubernetes::decode_base64url(std::string_view(token).substr(first + 1, last - first - 1));
  // Signed once more it is the same, or not ours: RSA's PKCS #1 v1.5 has no chance in it.
  if (!payload || token.substr(last + 1) != base64url(key_.signature(token.substr(0, last), kAlgorithm)))
    throw unauthorized();
  const json claims = json::parse(*payload);
  if (!holds(claims)) throw unauthorized();
  const std::string name_space = claims["kubernetes.io"]["namespace"];
  return {claims["sub"], {"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:" + name_space}};
}

bool Identities::holds(const json& claims) const {
  const int64_t now = unix_seconds();
  const json& audiences = claims["aud"];
  if (now >= claims["exp"] || now < claims["nbf"]) return false;
  if (std::count(audiences.begin(), audiences.end(), kIssuer) == 0) return false;
  const json& own = claims["kubernetes.io"];
  for (const auto& [key, resource] : {std::pair("serviceaccount", "serviceaccounts"), std::pair("pod", "pods")}) {
    if (!own.contains(key)) continue;
    const Object object = store_.find(resource, own["namespace"], own[key]["name"]);
    if (!object || own[key]["uid"] != uid_of(*object)) return false;
  }
  return true;
}

json Identities::claims_for(const std::string& name_space, const std::string& account, const json& spec) const {
  const Object owner = store_.find("serviceaccounts", name_space, account);
  if (!owner) throw not_found(kind_of("serviceaccounts"), account);
  const int64_t now = unix_seconds(), seconds = spec.value("expirationSeconds", 3600);
  json own = {{"namespace", name_space}, {"serviceaccount", names(*owner)}};
  bool is_extended = false;
  if (const json bound = spec.value("boundObjectRef", json()); bound.is_object()) {
    const std::string name = bound.value("name", ""), uid = bound.value("uid", "");
    if (bound.value("kind", "") != "Pod") throw bad_request("cannot bind token for object of type " + bound.dump());
    const Object pod = store_.find("pods", name_space, name);
    if (!pod) throw not_found(kind_of("pods"), name);
    if ((*pod)["spec"].value("serviceAccountName", "") != account)
      throw bad_request("cannot bind token for serviceaccount \"" + account +
                        "\" to pod running with different serviceaccount name.");
    if (!uid.empty() && uid != uid_of(*pod))
      throw refuse(409, "Conflict",
                   "Operation cannot be fulfilled on Pod \"" + name + "\": the UID in the bound object reference (" +
                       uid +
                       ") does not match the UID in record. The object might have been deleted and then recreated",
                   {{"kind", "Pod"}, {"name", name}});
    own["pod"] = names(*pod);
    is_extended = seconds == kPodsOwn;
  }
  if (is_extended) own["warnafter"] = now + seconds;
  return {{"aud", spec["audiences"]},
          {"exp", now + (is_extended ? kYear : seconds)},
          {"iat", now},
          {"iss", kIssuer},
          {"kubernetes.io", own},
          {"nbf", now},
          {"sub", "system:serviceaccount:" + name_space + ":" + account}};
}

json Identities::issue(const std::string& name_space, const std::string& account, json request) const {
  json& spec = request["spec"];
  if (spec.value("audiences", json::array()).empty()) spec["audiences"] = {kIssuer};
  spec.emplace("expirationSeconds", 3600);
  if (!store_.find("serviceaccounts", name_space, account)) throw not_found(kind_of("serviceaccounts"), account);
  if (const int seconds = spec["expirationSeconds"]; seconds < kShortest)
    throw invalid("TokenRequest", "authentication.k8s.io", "", "spec.expirationSeconds", "FieldValueInvalid",
                  "Invalid value: " + std::to_string(seconds) + ": may not specify a duration less than 10 minutes");
  const json claims = claims_for(name_space, account, spec);
  request["kind"] = "TokenRequest";
  request["apiVersion"] = "authentication.k8s.io/v1";
  request["status"] = {
      {"token", key_.token(claims, kAlgorithm)},
      {"expirationTimestamp", now_as_text(std::chrono::seconds(spec["expirationSeconds"].get<int>()))}};
  return request;
}

std::string Identities::keys() const { return key_set({key_.public_key(kAlgorithm)}).dump(); }

}  // namespace podium::cluster::small
