#include "tests/cluster/small_api_server/scale.h"

#include "tests/cluster/small_api_server/refusal.h"
#include "tests/cluster/small_api_server/store.h"

namespace podium::cluster::small {

using nlohmann::json;

json scale_of(const json& set) {
  const json& metadata = set["metadata"];
  const int64_t replicas = set["spec"].value("replicas", int64_t{1});
  std::string selector;
  const json labels = set.value("/spec/selector/matchLabels"_json_pointer, json::object());
  for (const auto& [key, value] : labels.items())
    selector += (selector.empty() ? "" : ",") + key + "=" + value.get<std::string>();
  json scale = {{"kind", "Scale"},
                {"apiVersion", "autoscaling/v1"},
                {"spec", json::object()},
                {"status", {{"replicas", set["status"].value("replicas", 0)}, {"selector", selector}}}};
  for (const char* key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"})
    scale["metadata"][key] = metadata[key];
  if (replicas != 0) scale["spec"]["replicas"] = replicas;  // 0 is left out
  return scale;
}

json with_scale(json set, const json& scale) {
  const int64_t replicas = scale.value("spec", json::object()).value("replicas", int64_t{0});
  if (replicas < 0)
    throw invalid("Scale", "autoscaling", name_of(set), "spec.replicas", "FieldValueInvalid",
                  "Invalid value: " + std::to_string(replicas) + ": must be greater than or equal to 0");
  set["spec"]["replicas"] = replicas;
  set["metadata"]["resourceVersion"] = scale["metadata"].value("resourceVersion", "");
  return set;
}

}  // namespace podium::cluster::small
