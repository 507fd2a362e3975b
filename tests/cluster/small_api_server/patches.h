// RFC 7386's merge patch is nlohmann's; this is Kubernetes' own, which merges lists by a key of their entries.
#pragma once

#include <nlohmann/json.hpp>

namespace podium::cluster::small {

// Knows the keys of the lists in pods, nodes and metadata that kubelets and kubectl patch; other lists are replaced. Of
// the directives: "$patch": "delete" and "replace"; those that only order lists are passed over. New entries come
// first, as in 1.20.
void strategic_merge(nlohmann::json& target, const nlohmann::json& patch);

}  // namespace podium::cluster::small
