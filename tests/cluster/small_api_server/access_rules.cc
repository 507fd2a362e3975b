#include "tests/cluster/small_api_server/access_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/cluster/small_api_server/refusal.h"

namespace podium::cluster::small {
namespace {

using nlohmann::json;

bool has(const json& rule, const char* list, const std::string& value) {
  const json values = rule.value(list, json::array());
  return std::any_of(values.begin(), values.end(), [&](const json& v) { return v == "*" || v == value; });
}

bool allows(const json& rule, const Request& request) {
  const std::string name = request.authorized_name();
  const json names = rule.value("resourceNames", json::array());
  const bool is_resource =
      has(rule, "resources", request.full_resource()) ||
      (!request.subresource.empty() &&
       rule.value("resources", json::array()).dump().find("\"*/" + request.subresource + "\"") != std::string::npos);
  return has(rule, "verbs", request.verb) && has(rule, "apiGroups", request.group) && is_resource &&
         (names.empty() || (!name.empty() && std::count(names.begin(), names.end(), name) > 0));
}

bool is_bound(const json& binding, const User& user) {
  const json subjects = binding.value("subjects", json::array());
  return std::any_of(subjects.begin(), subjects.end(), [&](const json& subject) {
    const std::string kind = subject.value("kind", ""), name = subject.value("name", "");
    if (kind == "User") return user.name == name;
    if (kind == "Group") return user.is_in(name);
    return user.name ==
           fmt::format("system:serviceaccount:{}:{}", subject.value("namespace", namespace_of(binding)), name);
  });
}

// Appends to `troubles` where the role is not there.
bool is_allowed_by(const Store& store, const json& binding, const User& user, const Request& request,
                   std::string& troubles) {
  if (!is_bound(binding, user)) return false;
  const json& reference = binding.at("roleRef");
  const bool is_cluster = reference.value("kind", "") == "ClusterRole";
  const Kind& kind = kind_of(is_cluster ? "clusterroles" : "roles");
  const Object role = store.find(kind.plural, is_cluster ? "" : namespace_of(binding), reference.value("name", ""));
  if (!role) {
    const std::string type = is_cluster ? "clusterrole" : "role";
    troubles += fmt::format("{}{}.{} \"{}\" not found", troubles.empty() ? ": RBAC: " : ", ", type, kind.group,
                            reference.value("name", ""));
    return false;
  }
  const json rules = role->value("rules", json::array());
  return std::any_of(rules.begin(), rules.end(), [&](const json& rule) { return allows(rule, request); });
}

bool may_read_path(const User& user, const Request& request) {
  if (request.verb != "get") return false;
  for (const char* path : {"/healthz", "/livez", "/readyz", "/version"})
    if (request.path == path) return true;
  return request.path == "/openid/v1/jwks" && user.is_in("system:serviceaccounts");
}

}  // namespace

void check_access(const Store& store, const User& user, const Request& request) {
  if (user.is_in("system:masters")) return;
  if (!request.is_resource) {
    if (may_read_path(user, request)) return;
    throw refuse(403, "Forbidden",
                 fmt::format("forbidden: User \"{}\" cannot {} path \"{}\"", user.name, request.verb, request.path),
                 json::object());
  }
  std::string troubles;
  for (const Object& binding : store.all("clusterrolebindings", ""))
    if (is_allowed_by(store, *binding, user, request, troubles)) return;
  if (!request.name_space.empty())
    for (const Object& binding : store.all("rolebindings", request.name_space))
      if (is_allowed_by(store, *binding, user, request, troubles)) return;
  const Kind kind{.group = request.group, .version = request.version, .plural = request.resource, .name = ""};
  const std::string name = request.authorized_name();
  const std::string where =
      request.name_space.empty() ? "at the cluster scope" : fmt::format("in the namespace \"{}\"", request.name_space);
  throw refuse(403, "Forbidden",
               fmt::format("{}{} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {}{}",
                           kind.qualified(), name.empty() ? "" : fmt::format(" \"{}\"", name), user.name, request.verb,
                           request.full_resource(), request.group, where, troubles),
               details_of(kind, name));
}

}  // namespace podium::cluster::small
