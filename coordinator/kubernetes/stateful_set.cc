#include "coordinator/kubernetes/stateful_set.h"

#include "coordinator/kubernetes/access.h"

namespace podium::kubernetes {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

std::string target(ApiConnection& connection, const std::string& name, const char* subresource) {
  return fmt::format("/apis/apps/v1/namespaces/{}/statefulsets/{}{}", connection.credentials().name_space(),
                     percent_encoded(name), subresource);
}

// The API leaves a number out where it is 0.
uint32_t replicas_of(const json& object, const std::string& what) {
  const json& spec = json_object(object, "spec", what);
  return json_has(spec, "replicas") ? static_cast<uint32_t>(json_integer(spec, "replicas", 0, INT32_MAX, what)) : 0;
}

std::string labels_of(const json& spec, const std::string& what) {
  if (!json_has(spec, "selector") || !json_has(spec.at("selector"), "matchLabels")) return "";
  const json& labels = json_object(spec.at("selector"), "matchLabels", what);
  std::string text;
  for (const auto& [key, value] : labels.items()) {
    if (!value.is_string()) throw Error("{}: the label {} is no string", what, key);
    text += (text.empty() ? "" : ",") + key + "=" + value.get<std::string>();
  }
  return text;
}

StatefulSet parse_stateful_set(const json& object, const std::string& what) {
  const json& metadata = json_object(object, "metadata", what);
  return {.name = json_string(metadata, "name", what),
          .uid = json_string(metadata, "uid", what),
          .replicas = replicas_of(object, what),
          .labels = labels_of(json_object(object, "spec", what), what)};
}

// Runs `parse`; what it does not find is a malformed answer.
template <typename Parse>
auto parsed(Parse&& parse) {
  try {
    return parse();
  } catch (const ApiError&) {
    throw;
  } catch (const Error& error) {
    throw ApiError(ApiError::Kind::kMalformed, error.what());
  }
}

// The answer; a refusal says what the Role lacks.
asio::awaitable<json> explained(ApiConnection& connection, asio::awaitable<json> request, Access access) {
  try {
    co_return co_await std::move(request);
  } catch (const ApiError& error) {
    throw ApiError(error.kind, explain(error, access, connection.credentials()), error.details);
  }
}

}  // namespace

asio::awaitable<StatefulSet> get_stateful_set(ApiConnection& connection, std::string name) {
  Access access{"statefulsets", "get", name};
  const json answer = co_await explained(connection, connection.get(target(connection, name, "")), std::move(access));
  co_return parsed([&] { return parse_stateful_set(answer, "StatefulSet " + name); });
}

asio::awaitable<uint32_t> get_scale(ApiConnection& connection, std::string name) {
  Access access{"statefulsets/scale", "get", name};
  const json answer =
      co_await explained(connection, connection.get(target(connection, name, "/scale")), std::move(access));
  co_return parsed([&] { return replicas_of(answer, "scale of StatefulSet " + name); });
}

asio::awaitable<uint32_t> patch_scale(ApiConnection& connection, std::string name, uint32_t replicas) {
  Access access{"statefulsets/scale", "patch", name};
  json patch;
  patch["spec"]["replicas"] = replicas;
  asio::awaitable<json> request = connection.merge_patch(target(connection, name, "/scale"), std::move(patch));
  const json answer = co_await explained(connection, std::move(request), std::move(access));
  co_return parsed([&] { return replicas_of(answer, "scale of StatefulSet " + name); });
}

}  // namespace podium::kubernetes
