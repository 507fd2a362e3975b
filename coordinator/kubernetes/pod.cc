#include "coordinator/kubernetes/pod.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "worker/base/error.h"
#include "worker/json/strict_json.h"

namespace podium::kubernetes {
namespace {

using nlohmann::json;

const json kNothing;

// The member `key`, or null where `object` is none or does not have it.
const json& at(const json& object, const char* key) { return json_has(object, key) ? object.at(key) : kNothing; }

std::string text(const json& object, const char* key) {
  const json& value = at(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

int64_t number(const json& object, const char* key) {
  const json& value = at(object, key);
  return value.is_number_integer() ? value.get<int64_t>() : 0;
}

// Null and anything that is no list are an empty one.
const json& list(const json& object, const char* key) {
  static const json kEmpty = json::array();
  const json& value = at(object, key);
  return value.is_array() ? value : kEmpty;
}

std::optional<uint32_t> parse_ordinal(std::string_view digits) {
  uint32_t ordinal = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
  const bool is_padded = digits.size() > 1 && digits.front() == '0';
  if (error != std::errc() || end != digits.data() + digits.size() || is_padded) return std::nullopt;
  return ordinal;
}

std::optional<ContainerTrouble> container_trouble(const json& status) {
  const json &state = at(status, "state"), &waiting = at(state, "waiting");
  const bool has_ended = !at(state, "terminated").is_null();
  const json& ended = has_ended ? at(state, "terminated") : at(at(status, "lastState"), "terminated");
  ContainerTrouble trouble{.container = text(status, "name"),
                           .waiting = text(waiting, "reason"),
                           .waiting_message = text(waiting, "message"),
                           .ended = text(ended, "reason"),
                           .exit_code = number(ended, "exitCode"),
                           .restarts = number(status, "restartCount")};
  const bool is_starting = trouble.waiting == "ContainerCreating" || trouble.waiting == "PodInitializing";
  if (is_starting) trouble.waiting.clear();
  const bool has_failed = !ended.is_null() && (trouble.exit_code != 0 || trouble.ended == "OOMKilled");
  if (trouble.waiting.empty() && !has_failed) return std::nullopt;
  return trouble;
}

void read_owner(const json& metadata, Pod& pod) {
  for (const json& reference : list(metadata, "ownerReferences")) {
    const json& is_controller = at(reference, "controller");
    if (text(reference, "kind") != "StatefulSet" || !is_controller.is_boolean() || !is_controller.get<bool>()) continue;
    pod.owner = text(reference, "name");
    pod.owner_uid = text(reference, "uid");
  }
}

void read_status(const json& status, Pod& pod) {
  pod.ip = text(status, "podIP");
  pod.phase = text(status, "phase");
  pod.reason = text(status, "reason");
  pod.message = text(status, "message");
  for (const json& condition : list(status, "conditions")) {
    const std::string type = text(condition, "type"), value = text(condition, "status");
    if (type == "Ready") pod.is_ready = value == "True";
    if (type == "PodScheduled" && value == "False" && text(condition, "reason") == "Unschedulable")
      pod.unschedulable = text(condition, "message");
  }
  for (const char* kind : {"initContainerStatuses", "containerStatuses"})
    for (const json& container : list(status, kind))
      if (!pod.trouble) pod.trouble = container_trouble(container);
}

}  // namespace

std::optional<uint32_t> ordinal_of(std::string_view pod_name) {
  const size_t dash = pod_name.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  return parse_ordinal(pod_name.substr(dash + 1));
}

Pod parse_pod(const json& object) {
  const json& metadata = json_object(object, "metadata", "pod");
  Pod pod;
  pod.name = json_string(metadata, "name", "pod: metadata");
  pod.uid = json_string(metadata, "uid", "pod " + pod.name + ": metadata");
  if (pod.name.empty() || pod.uid.empty()) throw Error("pod \"{}\": name or uid is empty", pod.name);
  pod.ordinal = parse_ordinal(text(at(metadata, "labels"), "apps.kubernetes.io/pod-index"));
  if (!pod.ordinal) pod.ordinal = ordinal_of(pod.name);
  pod.is_ending = !at(metadata, "deletionTimestamp").is_null();
  read_owner(metadata, pod);
  read_status(at(object, "status"), pod);
  return pod;
}

}  // namespace podium::kubernetes
