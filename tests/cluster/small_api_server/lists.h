// Lists, in pages where that is asked for, and watches, with the versions and refusals of Kubernetes.
#pragma once

#include "tests/cluster/small_api_server/kinds.h"
#include "tests/cluster/small_api_server/selection.h"
#include "tests/kubernetes/https_server.h"

namespace podium::cluster::small {

// Of all objects of `kind` that the request selects. Takes the store's lock by itself: a version to come is waited for,
// three seconds at most. Throws Refusal.
nlohmann::json list(Store& store, const Kind& kind, const Request& request);

// Answers until timeoutSeconds (else half an hour) are over or the client is gone.
void watch(Store& store, const Kind& kind, const Request& request, HttpsServer::Exchange& exchange);

}  // namespace podium::cluster::small
