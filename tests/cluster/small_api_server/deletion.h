// How objects end: a pod that runs somewhere gets its time, others are gone at once.
#pragma once

#include "tests/cluster/small_api_server/kinds.h"
#include "tests/cluster/small_api_server/store.h"

namespace podium::cluster::small {

// `options`: DeleteOptions, of which gracePeriodSeconds, preconditions.uid and propagationPolicy count. Returns the
// object's last state. Throws Refusal. What belongs to it is deleted by the garbage collector (controllers.h), or, with
// Orphan, belongs to nobody from now on.
Object erase(Store& store, const Kind& kind, const nlohmann::json& object, const nlohmann::json& options);

}  // namespace podium::cluster::small
