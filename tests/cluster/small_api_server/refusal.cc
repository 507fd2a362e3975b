#include "tests/cluster/small_api_server/refusal.h"

#include <fmt/format.h>

namespace podium::cluster::small {

using nlohmann::json;

json details_of(const Kind& kind, const std::string& name) {
  json details = {{"kind", kind.plural}};
  if (!name.empty()) details["name"] = name;
  if (!kind.group.empty()) details["group"] = kind.group;
  return details;
}

Refusal refuse(int code, const std::string& reason, const std::string& message, json details) {
  json status = {{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", json::object()},
                 {"status", "Failure"}, {"message", message}, {"code", code}};
  if (!reason.empty()) status["reason"] = reason;
  if (!details.is_null()) status["details"] = std::move(details);
  return {code, std::move(status)};
}

Refusal not_found(const Kind& kind, const std::string& name) {
  return refuse(404, "NotFound", fmt::format("{} \"{}\" not found", kind.qualified(), name), details_of(kind, name));
}

Refusal already_exists(const Kind& kind, const std::string& name) {
  return refuse(409, "AlreadyExists", fmt::format("{} \"{}\" already exists", kind.qualified(), name),
                details_of(kind, name));
}

Refusal conflict(const Kind& kind, const std::string& name) {
  return refuse(
      409, "Conflict",
      fmt::format("Operation cannot be fulfilled on {} \"{}\": the object has been modified; please apply your "
                  "changes to the latest version and try again",
                  kind.qualified(), name),
      details_of(kind, name));
}

Refusal other_uid(const Kind& kind, const std::string& name, const std::string& wanted, const std::string& found) {
  const std::string type = kind.group.empty() ? kind.name : kind.name + "." + kind.group;
  json details = {{"kind", kind.name}, {"name", name}};
  if (!kind.group.empty()) details["group"] = kind.group;
  return refuse(
      409, "Conflict",
      fmt::format("Operation cannot be fulfilled on {} \"{}\": the UID in the precondition ({}) does not match "
                  "the UID in record ({}). The object might have been deleted and then recreated",
                  type, name, wanted, found),
      details);
}

Refusal invalid(const std::string& kind, const std::string& group, const std::string& name, const std::string& field,
                const std::string& reason, const std::string& message, int times) {
  json details = {{"kind", kind}, {"causes", json::array()}};
  if (!name.empty()) details["name"] = name;
  if (!group.empty()) details["group"] = group;
  for (int i = 0; i < times; ++i)
    details["causes"].push_back({{"field", field}, {"reason", reason}, {"message", message}});
  return refuse(
      422, "Invalid",
      fmt::format("{}{}{} \"{}\" is invalid: {}: {}", kind, group.empty() ? "" : ".", group, name, field, message),
      details);
}

Refusal bad_request(const std::string& message) { return refuse(400, "BadRequest", message); }

Refusal unknown_path() {
  return refuse(404, "NotFound", "the server could not find the requested resource", json::object());
}

json success(const Kind& kind, const std::string& name, const json& uid) {
  json details = details_of(kind, name);
  details["uid"] = uid;
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"metadata", json::object()},
          {"status", "Success"},
          {"details", details}};
}

}  // namespace podium::cluster::small
