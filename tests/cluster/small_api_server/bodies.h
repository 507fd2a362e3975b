// What a request brings: an object, a patch, options.
#pragma once

#include <nlohmann/json.hpp>

#include "tests/kubernetes/https_server.h"

namespace podium::cluster::small {

// The JSON object in the body. `kind`: which is wanted, for the refusal. Throws Refusal, as all here.
nlohmann::json object_in(const HttpsServer::Exchange& exchange, const std::string& kind);
// `object` as an update or a patch ("patch": merge, strategic merge) makes it.
nlohmann::json changed_by(const nlohmann::json& object, const HttpsServer::Exchange& exchange, const std::string& verb);
// Of a deletion; none is an empty object.
nlohmann::json options_in(const HttpsServer::Exchange& exchange);

}  // namespace podium::cluster::small
