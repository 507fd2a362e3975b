// What the server makes of an object before it keeps it: identity, defaults that somebody reads, and refusals.
#pragma once

#include "tests/cluster/small_api_server/kinds.h"
#include "tests/cluster/small_api_server/store.h"

namespace podium::cluster::small {

// Makes `object` in `name_space`. Throws Refusal. Of validation there is only what keeps the server sane: any spec
// goes.
Object create(Store& store, const Kind& kind, const std::string& name_space, nlohmann::json object);

// Replaces `before` by `object`, which somebody has made of it; `subresource` is "" or "status": the other part stays
// as it was. Throws Refusal.
Object update(Store& store, const Kind& kind, const nlohmann::json& before, nlohmann::json object,
              const std::string& subresource);

// Throws Refusal where an object that was sent to the place of `wanted` is called otherwise.
void check_name(const std::string& found, const std::string& wanted);

}  // namespace podium::cluster::small
