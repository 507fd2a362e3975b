#include "tests/cluster/small_api_server/api.h"

#include <fmt/format.h>

#include "tests/cluster/small_api_server/access_rules.h"
#include "tests/cluster/small_api_server/admission.h"
#include "tests/cluster/small_api_server/bodies.h"
#include "tests/cluster/small_api_server/deletion.h"
#include "tests/cluster/small_api_server/lists.h"
#include "tests/cluster/small_api_server/refusal.h"
#include "tests/cluster/small_api_server/scale.h"

namespace podium::cluster::small {

using nlohmann::json;
using Exchange = HttpsServer::Exchange;

namespace {

constexpr char kText[] = "Content-Type: text/plain\r\n";

bool is_known(const Kind& kind, const std::string& subresource) {
  if (subresource.empty()) return true;
  if (subresource == "status") return kind.has_status;
  return (kind.name == "StatefulSet" && subresource == "scale") || (kind.name == "Pod" && subresource == "binding") ||
         (kind.name == "ServiceAccount" && subresource == "token");
}

}  // namespace

void Api::handle(Exchange& exchange) {
  try {
    const Request request = parse_request(exchange.method(), exchange.target());
    {
      const std::lock_guard lock(store_.mutex());
      check_access(store_, identities_.authenticate(exchange.header("Authorization")), request);
    }
    request.is_resource ? answer(request, exchange) : answer_path(request, exchange);
  } catch (const Refusal& refusal) {
    exchange.answer(refusal.code, refusal.status.dump());
  } catch (const json::exception& error) {
    // Of what a client has sent, in an object whose fields are read here.
    const Refusal refusal = bad_request(fmt::format("the small API server cannot use this: {}", error.what()));
    exchange.answer(refusal.code, refusal.status.dump());
  } catch (const std::logic_error& error) {
    const Refusal refusal = bad_request(fmt::format("the small API server cannot use this: {}", error.what()));
    exchange.answer(refusal.code, refusal.status.dump());
  }
}

void Api::answer_path(const Request& request, Exchange& exchange) {
  if (request.path == "/healthz" || request.path == "/livez" || request.path == "/readyz")
    return exchange.answer(200, "ok", kText);
  if (request.path == "/version")
    return exchange.answer(200, R"({"major":"1","minor":"20","gitVersion":"v1.20.2-small-api-server-of-podium"})");
  if (request.path != "/openid/v1/jwks") return exchange.answer(404, R"({"paths":[]})");
  // As the real one: this is no application/json to it.
  const std::string accept = exchange.header("Accept");
  if (!accept.empty() && accept.find("jwk-set+json") == std::string::npos && accept.find("*/*") == std::string::npos)
    throw refuse(406, "NotAcceptable", "406: Not Acceptable");
  exchange.answer(200, identities_.keys(), "Content-Type: application/jwk-set+json\r\n");
}

void Api::answer(const Request& request, Exchange& exchange) {
  const Kind* kind = find_kind(request.group, request.version, request.resource);
  if (kind == nullptr && !is_group(request.group)) return exchange.answer(404, "404 page not found\n", kText);
  if (kind == nullptr || !is_known(*kind, request.subresource)) throw unknown_path();
  if (request.verb == "watch") return watch(store_, *kind, request, exchange);
  if (request.verb == "list") return exchange.answer(200, list(store_, *kind, request).dump());
  json made;
  {
    const std::lock_guard lock(store_.mutex());
    made = change(*kind, request, exchange);
  }
  exchange.answer(request.verb == "create" ? 201 : 200, made.dump());
}

json Api::change(const Kind& kind, const Request& request, const Exchange& exchange) {
  if (request.verb == "get") return get(kind, request);
  if (request.verb == "create") return make(kind, request, exchange);
  if (request.verb == "update" || request.verb == "patch") return replace(kind, request, exchange);
  if (request.verb == "delete") return remove(kind, request, exchange);
  if (request.verb == "deletecollection") return remove_all(kind, request, exchange);
  throw refuse(405, "MethodNotAllowed", "the server does not allow this method on the requested resource",
               json::object());
}

Object Api::existing(const Kind& kind, const Request& request) const {
  const Object object = store_.find(kind.plural, request.name_space, request.name);
  if (!object) throw not_found(kind, request.name);
  return object;
}

json Api::get(const Kind& kind, const Request& request) const {
  const Object object = existing(kind, request);
  return request.subresource == "scale" ? scale_of(*object) : *object;
}

json Api::make(const Kind& kind, const Request& request, const Exchange& exchange) {
  if (request.subresource == "token")
    return identities_.issue(request.name_space, request.name, object_in(exchange, "TokenRequest"));
  if (request.subresource == "binding") return bind(request, object_in(exchange, "Binding"));
  const json object = object_in(exchange, kind.name);
  if (const std::string other = object.value("kind", ""); !other.empty() && other != kind.name)
    throw bad_request(
        fmt::format("{0} in version \"{1}\" cannot be handled as a {2}: converting ({1}.{0}) to "
                    "({3}.{2}): unknown conversion",
                    other, object.value("apiVersion", ""), kind.name, kind.group.empty() ? "core" : kind.group));
  return *create(store_, kind, request.name_space, object);
}

json Api::bind(const Request& request, const json& binding) {
  if (name_of(binding) != request.name) throw bad_request("name in URL does not match name in Binding object");
  json pod = *existing(kind_of("pods"), request);
  const std::string node = pod["spec"].value("nodeName", "");
  const bool is_ending = pod["metadata"].contains("deletionTimestamp");
  if (is_ending || !node.empty())
    throw refuse(409, "Conflict",
                 fmt::format("Operation cannot be fulfilled on pods/binding \"{0}\": pod {0} is {1}", request.name,
                             is_ending ? "being deleted, cannot be assigned to a host"
                                       : fmt::format("already assigned to node \"{}\"", node)),
                 {{"kind", "pods/binding"}, {"name", request.name}});
  pod["spec"]["nodeName"] = binding.at("target").at("name");
  pod["status"]["conditions"].push_back({{"type", "PodScheduled"}, {"status", "True"}});
  store_.put("pods", std::move(pod));
  return {{"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", json::object()}, {"status", "Success"}, {"code", 201}};
}

json Api::set_scale(const json& set, const Request& request, const Exchange& exchange) {
  const json scale = changed_by(scale_of(set), exchange, request.verb);
  return scale_of(*update(store_, kind_of("statefulsets"), set, with_scale(set, scale), ""));
}

json Api::replace(const Kind& kind, const Request& request, const Exchange& exchange) {
  if (request.verb == "update" && request.subresource.empty())
    check_name(name_of(object_in(exchange, kind.name)), request.name);
  const Object there = existing(kind, request);
  if (request.subresource == "scale") return set_scale(*there, request, exchange);
  json object = changed_by(*there, exchange, request.verb);
  return *update(store_, kind, *there, std::move(object), request.subresource);
}

json Api::remove(const Kind& kind, const Request& request, const Exchange& exchange) {
  const Object there = existing(kind, request);
  const Object last = erase(store_, kind, *there, options_in(exchange));
  if (!kind.is_deleted_whole) return success(kind, request.name, (*there)["metadata"]["uid"]);
  return kind.name == "Pod" ? *last : *there;
}

json Api::remove_all(const Kind& kind, const Request& request, const Exchange& exchange) {
  const Selection selection(request);
  json found = {{"kind", kind.name + "List"},
                {"apiVersion", kind.api_version()},
                {"metadata", {{"resourceVersion", std::to_string(store_.version())}}},
                {"items", json::array()}};
  for (const Object& object : store_.all(kind.plural, request.name_space)) {
    if (!selection.has(*object)) continue;
    erase(store_, kind, *object, options_in(exchange));
    found["items"].push_back(*object);
    for (const char* key : {"kind", "apiVersion"}) found["items"].back().erase(key);
  }
  return found;
}

}  // namespace podium::cluster::small
