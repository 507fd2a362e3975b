#include "tests/cluster/small_api_server/deletion.h"

#include <algorithm>

#include "tests/cluster/small_api_server/refusal.h"

namespace podium::cluster::small {
namespace {

using nlohmann::json;

Object erase_pod(Store& store, json pod, const json& options) {
  json& metadata = pod["metadata"];
  const json& spec = pod["spec"];
  const std::string phase = pod["status"].value("phase", "");
  const bool is_ending = metadata.contains("deletionTimestamp"), is_asked = options.contains("gracePeriodSeconds");
  int64_t grace = options.value("gracePeriodSeconds", spec.value("terminationGracePeriodSeconds", int64_t{30}));
  if (!spec.contains("nodeName") || phase == "Failed" || phase == "Succeeded") grace = 0;
  // Its time only gets shorter.
  if (is_ending && (!is_asked || grace >= metadata["deletionGracePeriodSeconds"]))
    return store.find("pods", namespace_of(pod), name_of(pod));
  metadata["deletionTimestamp"] = now_as_text(std::chrono::seconds(grace));
  metadata["deletionGracePeriodSeconds"] = grace;
  return grace > 0 ? store.put("pods", std::move(pod)) : store.remove("pods", std::move(pod));
}

void orphan(Store& store, const json& owner) {
  for (const Object& pod : store.all("pods", namespace_of(owner))) {
    json freed = *pod;
    json& metadata = freed["metadata"];
    if (!metadata.contains("ownerReferences")) continue;
    auto& owners = metadata["ownerReferences"];
    const auto end =
        std::remove_if(owners.begin(), owners.end(), [&](const json& o) { return o["uid"] == uid_of(owner); });
    owners.erase(end, owners.end());
    if (owners.empty()) metadata.erase("ownerReferences");
    store.put("pods", std::move(freed));
  }
}

}  // namespace

Object erase(Store& store, const Kind& kind, const json& object, const json& options) {
  const std::string name = name_of(object), wanted = options.value("/preconditions/uid"_json_pointer, "");
  if (!wanted.empty() && wanted != uid_of(object)) throw other_uid(kind, name, wanted, uid_of(object));
  if (kind.name == "Namespace")
    throw refuse(405, "MethodNotAllowed", "the small API server does not delete namespaces", json::object());
  if (kind.name == "Pod") return erase_pod(store, object, options);
  if (options.value("propagationPolicy", "") == "Orphan") orphan(store, object);
  return store.remove(kind.plural, object);
}

}  // namespace podium::cluster::small
