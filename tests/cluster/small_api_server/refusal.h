// Answers that are no: Kubernetes' Status objects, worded as it words them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tests/cluster/small_api_server/kinds.h"

namespace podium::cluster::small {

struct Refusal {
  int code = 0;
  nlohmann::json status;
};

Refusal refuse(int code, const std::string& reason, const std::string& message, nlohmann::json details = nullptr);

// "pods \"web-0\" not found", "statefulsets.apps \"web\" not found".
Refusal not_found(const Kind& kind, const std::string& name);
Refusal already_exists(const Kind& kind, const std::string& name);
// Somebody else has written in between.
Refusal conflict(const Kind& kind, const std::string& name);
// The precondition names another object of this name.
Refusal other_uid(const Kind& kind, const std::string& name, const std::string& wanted, const std::string& found);
// `kind` and `group` as in "StatefulSet.apps"; `times` the field is complained about.
Refusal invalid(const std::string& kind, const std::string& group, const std::string& name, const std::string& field,
                const std::string& reason, const std::string& message, int times = 1);
Refusal bad_request(const std::string& message);
Refusal unknown_path();

nlohmann::json success(const Kind& kind, const std::string& name, const nlohmann::json& uid);
// What the server says of an object by its kind: {"kind": "pods", "name": "web-0"}.
nlohmann::json details_of(const Kind& kind, const std::string& name);

}  // namespace podium::cluster::small
