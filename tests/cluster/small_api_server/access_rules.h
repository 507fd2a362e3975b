// Role-based access control: whether a Role or ClusterRole that is bound to the user allows a request.
#pragma once

#include "tests/cluster/small_api_server/identities.h"
#include "tests/cluster/small_api_server/request.h"

namespace podium::cluster::small {

// Throws Refusal (403). Of Kubernetes' built-in roles only cluster-admin (system:masters) and what all may read.
void check_access(const Store& store, const User& user, const Request& request);

}  // namespace podium::cluster::small
