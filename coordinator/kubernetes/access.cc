#include "coordinator/kubernetes/access.h"

namespace podium::kubernetes {

std::string explain(const ApiError& error, const Access& access, const Credentials& credentials) {
  const std::string stale =
      credentials.token_trouble().empty() ? "" : "; the old token stays: " + credentials.token_trouble();
  if (error.kind != ApiError::Kind::kStatus) return error.what() + stale;
  const std::string& name_space = credentials.name_space();
  switch (error.details.code) {
    case 401:
      return fmt::format(
          "the Kubernetes API does not accept this pod's ServiceAccount token: expired, or of a pod that was deleted, "
          "or "
          "of another cluster{}; {}",
          stale, error.what());
    case 403:
      return fmt::format(
          "the Role lacks {} {}{} in namespace {}: apply the Role and RoleBinding of kubernetes/stateful-set.yaml "
          "there; "
          "{}",
          access.resource, access.verb, access.name.empty() ? "" : " on " + access.name, name_space, error.what());
    case 404:
      return fmt::format("there are no {}{} in namespace {}; {}", access.resource,
                         access.name.empty() ? "" : " named " + access.name, name_space, error.what());
    default:
      return error.what() + stale;
  }
}

}  // namespace podium::kubernetes
