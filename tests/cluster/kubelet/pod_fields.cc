#include "tests/cluster/kubelet/pod_fields.h"

#include <algorithm>
#include <cmath>

#include "tests/cluster/network.h"
#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using nlohmann::json;

// "64Mi", "500m", "2" as a number.
double quantity(const std::string& text) {
  static const std::map<std::string, double> kUnits = {
      {"", 1},     {"m", 1e-3},  {"k", 1e3},        {"M", 1e6},           {"G", 1e9},
      {"T", 1e12}, {"Ki", 1024}, {"Mi", 1048576.0}, {"Gi", 1073741824.0}, {"Ti", 1099511627776.0}};
  size_t end = 0;
  const double value = std::stod(text, &end);
  const auto unit = kUnits.find(text.substr(end));
  if (unit == kUnits.end()) throw Error("quantity {}: unknown unit", text);
  return value * unit->second;
}

const std::string* value_of(const Environment& environment, const std::string& name) {
  const auto last =
      std::find_if(environment.rbegin(), environment.rend(), [&](const auto& e) { return e.first == name; });
  return last == environment.rend() ? nullptr : &last->second;
}

// Throws when `name` or its `key` is missing and not optional.
std::optional<std::string> key_of(const json& reference, const char* kind, const LookUp& look_up) {
  const std::string name = reference.value("name", ""), key = reference.value("key", "");
  const auto found = look_up(kind, name);
  if (found && found->contains(key)) return found->at(key);
  if (reference.value("optional", false)) return std::nullopt;
  throw Error("{} {} has no key {}", kind, name, key);
}

std::optional<std::string> value_from(const json& source, const json& pod, const json& container,
                                      const std::string& address, const LookUp& look_up) {
  if (source.contains("fieldRef")) return field_of(pod, source["fieldRef"].at("fieldPath"), address);
  if (source.contains("resourceFieldRef"))
    return resource_of(container, source["resourceFieldRef"].at("resource"),
                       source["resourceFieldRef"].value("divisor", "1"));
  if (source.contains("configMapKeyRef")) return key_of(source["configMapKeyRef"], "configmaps", look_up);
  if (source.contains("secretKeyRef")) return key_of(source["secretKeyRef"], "secrets", look_up);
  throw Error("env: this kubelet does not know {}", source.dump());
}

}  // namespace

std::string field_of(const json& pod, const std::string& path, const std::string& address) {
  if (path == "status.podIP" || path == "status.podIPs") return address;
  if (path == "status.hostIP") return kNodeAddress;
  const json& metadata = pod.at("metadata");
  for (const char* name : {"name", "namespace", "uid"})
    if (path == std::string("metadata.") + name) return metadata.at(name);
  for (const char* name : {"nodeName", "serviceAccountName"})
    if (path == std::string("spec.") + name) return pod.at("spec").value(name, "");
  for (const char* name : {"labels", "annotations"})
    if (const std::string begin = fmt::format("metadata.{}['", name); path.starts_with(begin))
      return metadata.value(name, json::object()).value(path.substr(begin.size(), path.size() - begin.size() - 2), "");
  throw Error("fieldRef {}: this kubelet does not know it", path);
}

std::string resource_of(const json& container, const std::string& resource, const std::string& divisor) {
  const size_t dot = resource.find('.');
  const json& given = container.value("resources", json::object()).value(resource.substr(0, dot), json::object());
  const std::string name = resource.substr(dot + 1);
  if (!given.contains(name)) throw Error("resourceFieldRef {}: the container names none", resource);
  const double unit = divisor == "0" ? 1 : quantity(divisor);
  return std::to_string(static_cast<int64_t>(std::ceil(quantity(given.at(name).get<std::string>()) / unit)));
}

std::string expanded(const std::string& text, const Environment& environment) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const size_t end = text.compare(i, 2, "$(") == 0 ? text.find(')', i) : std::string::npos;
    if (text.compare(i, 2, "$$") == 0) {
      result += '$';
      i += 2;
    } else if (end != std::string::npos) {
      const std::string* value = value_of(environment, text.substr(i + 2, end - i - 2));
      result += value == nullptr ? text.substr(i, end - i + 1) : *value;
      i = end + 1;
    } else {
      result += text[i++];
    }
  }
  return result;
}

Environment environment_of(const json& pod, const json& container, const std::string& address, const LookUp& look_up) {
  Environment environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                             {"HOSTNAME", pod.at("metadata").at("name")},
                             {"KUBERNETES_SERVICE_HOST", kApiAddress},
                             {"KUBERNETES_SERVICE_PORT", "443"},
                             {"KUBERNETES_SERVICE_PORT_HTTPS", "443"}};
  for (const json& from : container.value("envFrom", json::array())) {
    const bool is_map = from.contains("configMapRef");
    const json& reference = from.at(is_map ? "configMapRef" : "secretRef");
    const auto found = look_up(is_map ? "configmaps" : "secrets", reference.at("name"));
    if (!found && !reference.value("optional", false)) throw Error("envFrom: no {}", reference.dump());
    if (!found) continue;
    for (const auto& [name, value] : *found) environment.emplace_back(from.value("prefix", "") + name, value);
  }
  for (const json& variable : container.value("env", json::array())) {
    std::optional<std::string> value = expanded(variable.value("value", ""), environment);
    if (variable.contains("valueFrom")) value = value_from(variable["valueFrom"], pod, container, address, look_up);
    if (value) environment.emplace_back(variable.at("name"), *value);
  }
  return environment;
}

}  // namespace podium::cluster
