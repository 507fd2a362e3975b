// The StatefulSet controller: both pod management policies, claims, rolling updates. It adopts no pods of others, and
// its revisions are hashes of templates without a history.
#pragma once

#include "tests/cluster/small_api_server/store.h"

namespace podium::cluster::small {

// One step towards what `set` wants: pods are made and deleted, its status is written.
void follow_stateful_set(Store& store, const nlohmann::json& set);

}  // namespace podium::cluster::small
