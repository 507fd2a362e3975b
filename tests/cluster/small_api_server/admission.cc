#include "tests/cluster/small_api_server/admission.h"

#include <algorithm>

#include "tests/cluster/small_api_server/refusal.h"
#include "worker/storage/base64.h"

namespace podium::cluster::small {
namespace {

using nlohmann::json;

constexpr char kAccountPath[] = "/var/run/secrets/kubernetes.io/serviceaccount";

// An object does not hold what is null.
void drop_nulls(json& value) {
  if (value.is_object())
    for (auto entry = value.begin(); entry != value.end();)
      if (entry->is_null())
        entry = value.erase(entry);
      else
        drop_nulls(*entry++);
  else if (value.is_array())
    for (json& entry : value) drop_nulls(entry);
}

// By which a pod finds the API server: kube-api-access-xxxxx.
void give_account(const Store& store, json& pod) {
  json& spec = pod["spec"];
  if (spec.value("serviceAccountName", "").empty()) spec["serviceAccountName"] = "default";
  const std::string name = spec["serviceAccountName"], name_space = namespace_of(pod);
  spec["serviceAccount"] = name;
  const Object account = store.find("serviceaccounts", name_space, name);
  if (!account)
    throw refuse(403, "Forbidden",
                 "pods \"" + name_of(pod) + "\" is forbidden: error looking up service account " + name_space + "/" +
                     name + ": serviceaccount \"" + name + "\" not found",
                 details_of(kind_of("pods"), name_of(pod)));
  if (!spec.value("automountServiceAccountToken", account->value("automountServiceAccountToken", true))) return;
  const std::string volume = "kube-api-access-" + new_uid().substr(0, 5);
  const json sources = {
      {{"serviceAccountToken", {{"expirationSeconds", 3607}, {"path", "token"}}}},
      {{"configMap",
        {{"name", "kube-root-ca.crt"}, {"items", json::array({{{"key", "ca.crt"}, {"path", "ca.crt"}}})}}}},
      {{"downwardAPI",
        {{"items", json::array({{{"path", "namespace"},
                                 {"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", "metadata.namespace"}}}}})}}}}};
  spec["volumes"].push_back({{"name", volume}, {"projected", {{"defaultMode", 0644}, {"sources", sources}}}});
  for (json& container : spec["containers"]) {
    json& mounts = container["volumeMounts"];
    if (mounts.is_null()) mounts = json::array();
    if (std::none_of(mounts.begin(), mounts.end(),
                     [](const json& m) { return m.value("mountPath", "") == kAccountPath; }))
      mounts.push_back({{"name", volume}, {"mountPath", kAccountPath}, {"readOnly", true}});
  }
}

void add_defaults(json& object, const json& defaults) {
  json whole = defaults;
  whole.merge_patch(object);
  object = std::move(whole);
}

// Of a Secret: what came as text is kept as it is read.
void encode_texts(json& object) {
  const json texts = object.value("stringData", json::object());
  for (const auto& [key, value] : texts.items()) object["data"][key] = base64(value.get<std::string>());
  object.erase("stringData");
}

void complete(const Store& store, const Kind& kind, json& object) {
  if (kind.has_status && kind.name != "Node") object["status"] = json::object();
  if (kind.name == "Pod") {
    if (!object["spec"].value("containers", json()).is_array())
      throw bad_request("Pod: spec.containers: Required value");
    add_defaults(object, {{"spec",
                           {{"restartPolicy", "Always"},
                            {"terminationGracePeriodSeconds", 30},
                            {"dnsPolicy", "ClusterFirst"},
                            {"schedulerName", "default-scheduler"},
                            {"enableServiceLinks", true}}},
                          {"status", {{"phase", "Pending"}}}});
    give_account(store, object);
  } else if (kind.name == "StatefulSet") {
    add_defaults(
        object,
        {{"metadata", {{"generation", 1}}},
         {"spec",
          {{"replicas", 1}, {"podManagementPolicy", "OrderedReady"}, {"updateStrategy", {{"type", "RollingUpdate"}}}}},
         {"status", {{"replicas", 0}}}});
  } else if (kind.name == "Namespace") {
    object["status"]["phase"] = "Active";
  } else if (kind.name == "PersistentVolumeClaim") {
    object["status"]["phase"] = "Pending";  // and stays so: the kubelet's claims are folders
  } else if (kind.name == "Secret") {
    encode_texts(object);
  }
}

void check_stateful_set(const json& before, const json& after) {
  static const char kMessage[] =
      "Forbidden: updates to statefulset spec for fields other than 'replicas', 'template', and 'updateStrategy' are "
      "forbidden";
  const std::string name = name_of(before);
  if (const int64_t replicas = after.at("spec").value("replicas", int64_t{1}); replicas < 0)
    throw invalid("StatefulSet", "apps", name, "spec.replicas", "FieldValueInvalid",
                  "Invalid value: " + std::to_string(replicas) + ": must be greater than or equal to 0");
  json old_rest = before["spec"], new_rest = after["spec"];
  for (const char* free : {"replicas", "template", "updateStrategy"}) {
    old_rest.erase(free);
    new_rest.erase(free);
  }
  if (old_rest != new_rest) throw invalid("StatefulSet", "apps", name, "spec", "FieldValueForbidden", kMessage);
}

}  // namespace

Object create(Store& store, const Kind& kind, const std::string& name_space, json object) {
  if (!object["metadata"].is_object()) object["metadata"] = json::object();
  json& metadata = object["metadata"];
  if (metadata.contains("generateName") && !metadata.contains("name"))
    metadata["name"] = metadata["generateName"].get<std::string>() + new_uid().substr(0, 5);
  const std::string name = name_of(object);
  if (metadata.value("namespace", name_space) != name_space)
    throw bad_request("the namespace of the provided object does not match the namespace sent on the request");
  if (name.empty())
    throw invalid(kind.name, kind.group, "", "metadata.name", "FieldValueRequired",
                  "Required value: name or generateName is required");
  if (kind.is_namespaced && !store.find("namespaces", "", name_space))
    throw not_found(kind_of("namespaces"), name_space);
  if (store.find(kind.plural, name_space, name)) throw already_exists(kind, name);
  drop_nulls(object);
  object["kind"] = kind.name;
  object["apiVersion"] = kind.api_version();
  if (kind.is_namespaced) metadata["namespace"] = name_space;
  metadata["uid"] = new_uid();
  metadata["creationTimestamp"] = now_as_text();
  for (const char* key : {"resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"}) metadata.erase(key);
  complete(store, kind, object);
  return store.put(kind.plural, std::move(object));
}

void check_name(const std::string& found, const std::string& wanted) {
  if (found != wanted)
    throw bad_request("the name of the object (" + found + ") does not match the name on the URL (" + wanted + ")");
}

Object update(Store& store, const Kind& kind, const json& before, json object, const std::string& subresource) {
  const std::string name = name_of(before);
  json& metadata = object["metadata"];
  const std::string uid = uid_of(object);
  check_name(name_of(object), name);
  if (!uid.empty() && uid != uid_of(before))
    throw invalid(kind.name, kind.group, name, "metadata.uid", "FieldValueInvalid",
                  "Invalid value: \"" + uid + "\": field is immutable", 2);
  if (const json version = metadata.value("resourceVersion", json());
      version.is_string() && version != "" && version != before["metadata"]["resourceVersion"])
    throw conflict(kind, name);
  drop_nulls(object);
  object["kind"] = kind.name;
  object["apiVersion"] = kind.api_version();
  for (const char* key :
       {"namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"})
    if (before["metadata"].contains(key))
      metadata[key] = before["metadata"][key];
    else
      metadata.erase(key);
  if (subresource == "status") {
    const json status = object.value("status", json::object());
    object = before;
    object["status"] = status;
  } else if (kind.has_status) {
    object["status"] = before.value("status", json::object());
  }
  if (kind.name == "Secret") encode_texts(object);
  if (kind.name == "StatefulSet") {
    check_stateful_set(before, object);
    if (before.at("spec") != object["spec"])
      object["metadata"]["generation"] = before["metadata"].value("generation", 0) + 1;
  }
  return store.put(kind.plural, std::move(object));
}

}  // namespace podium::cluster::small
