#include "tests/cluster/small_api_server/bodies.h"

#include "tests/cluster/small_api_server/patches.h"
#include "tests/cluster/small_api_server/refusal.h"

namespace podium::cluster::small {

using nlohmann::json;
using Exchange = HttpsServer::Exchange;

json object_in(const Exchange& exchange, const std::string& kind) {
  const std::string type = exchange.header("Content-Type");
  if (!type.empty() && !type.starts_with("application/json"))
    throw refuse(415, "UnsupportedMediaType",
                 "the body of the request was in an unknown format - accepted media types include: application/json, "
                 "application/yaml, application/vnd.kubernetes.protobuf");
  json object = json::parse(exchange.body(), nullptr, false);
  if (!object.is_object())
    throw bad_request("the object provided is unrecognized (must be of type " + kind + "): couldn't get version/kind");
  return object;
}

json changed_by(const json& object, const Exchange& exchange, const std::string& verb) {
  if (verb == "update") return object_in(exchange, object.value("kind", ""));
  const std::string type = exchange.header("Content-Type");
  const bool is_merge = type == "application/merge-patch+json";
  if (!is_merge && type != "application/strategic-merge-patch+json")
    throw refuse(415, "UnsupportedMediaType", "415: Unsupported Media Type", json::object());
  const json patch = json::parse(exchange.body(), nullptr, false);
  if (!patch.is_object()) throw bad_request("error decoding patch: no JSON object");
  json changed = object;
  if (is_merge)
    changed.merge_patch(patch);
  else
    strategic_merge(changed, patch);
  return changed;
}

json options_in(const Exchange& exchange) {
  if (exchange.body().empty()) return json::object();
  return object_in(exchange, "DeleteOptions");
}

}  // namespace podium::cluster::small
