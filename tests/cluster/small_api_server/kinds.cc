#include "tests/cluster/small_api_server/kinds.h"

#include <algorithm>
#include <vector>

#include "worker/base/error.h"

namespace podium::cluster::small {
namespace {

constexpr char kRbac[] = "rbac.authorization.k8s.io";

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> kKinds = {
      {.group = "",
       .version = "v1",
       .plural = "namespaces",
       .name = "Namespace",
       .is_namespaced = false,
       .has_status = true},
      {.group = "", .version = "v1", .plural = "nodes", .name = "Node", .is_namespaced = false, .has_status = true},
      {.group = "", .version = "v1", .plural = "pods", .name = "Pod", .has_status = true, .is_deleted_whole = true},
      {.group = "", .version = "v1", .plural = "configmaps", .name = "ConfigMap"},
      {.group = "", .version = "v1", .plural = "secrets", .name = "Secret"},
      {.group = "", .version = "v1", .plural = "services", .name = "Service", .has_status = true},
      {.group = "", .version = "v1", .plural = "serviceaccounts", .name = "ServiceAccount", .is_deleted_whole = true},
      {.group = "",
       .version = "v1",
       .plural = "persistentvolumeclaims",
       .name = "PersistentVolumeClaim",
       .has_status = true,
       .is_deleted_whole = true},
      {.group = "apps", .version = "v1", .plural = "statefulsets", .name = "StatefulSet", .has_status = true},
      {.group = kRbac, .version = "v1", .plural = "roles", .name = "Role"},
      {.group = kRbac, .version = "v1", .plural = "rolebindings", .name = "RoleBinding"},
      {.group = kRbac, .version = "v1", .plural = "clusterroles", .name = "ClusterRole", .is_namespaced = false},
      {.group = kRbac,
       .version = "v1",
       .plural = "clusterrolebindings",
       .name = "ClusterRoleBinding",
       .is_namespaced = false},
      {.group = "networking.k8s.io", .version = "v1", .plural = "networkpolicies", .name = "NetworkPolicy"},
      {.group = "policy",
       .version = "v1beta1",
       .plural = "poddisruptionbudgets",
       .name = "PodDisruptionBudget",
       .has_status = true}};
  return kKinds;
}

}  // namespace

const Kind* find_kind(const std::string& group, const std::string& version, const std::string& plural) {
  for (const Kind& kind : kinds())
    if (kind.group == group && kind.version == version && kind.plural == plural) return &kind;
  return nullptr;
}

const Kind& kind_of(const std::string& plural) {
  for (const Kind& kind : kinds())
    if (kind.plural == plural) return kind;
  throw Error("no kind {}", plural);
}

bool is_group(const std::string& group) {
  return std::any_of(kinds().begin(), kinds().end(), [&](const Kind& kind) { return kind.group == group; });
}

}  // namespace podium::cluster::small
