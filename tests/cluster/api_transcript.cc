#include "tests/cluster/api_transcript.h"

#include <algorithm>
#include <regex>
#include <thread>

#include "coordinator/kubernetes/base64url.h"
#include "tests/cluster/cluster.h"
#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using nlohmann::json;

constexpr size_t kLongestBody = 300;

// What is read of an object, by the product or by the tests' kubelet.
const std::vector<std::string> kRead = {"/kind",
                                        "/apiVersion",
                                        "/metadata/name",
                                        "/metadata/namespace",
                                        "/metadata/uid",
                                        "/metadata/labels",
                                        "/metadata/ownerReferences",
                                        "/metadata/deletionTimestamp",
                                        "/metadata/deletionGracePeriodSeconds",
                                        "/spec/replicas",
                                        "/spec/selector/matchLabels",
                                        "/spec/nodeName",
                                        "/spec/hostname",
                                        "/spec/subdomain",
                                        "/spec/serviceAccountName",
                                        "/spec/terminationGracePeriodSeconds",
                                        "/spec/volumes",
                                        "/status/phase",
                                        "/status/podIP",
                                        "/status/podIPs",
                                        "/status/replicas",
                                        "/status/selector",
                                        "/status/containerStatuses",
                                        "/data",
                                        "/rules",
                                        "/subjects"};

std::string name_of(const json& object) { return object.value("/metadata/name"_json_pointer, ""); }

// The volume that every pod of a ServiceAccount is given, and its mount: long, and always the same. Read from what a
// pod really finds in it, in pods_test.
void shorten(json& part) {
  const auto is_long = [](const json& named) { return named.value("name", "").starts_with("kube-api-access-"); };
  if (part.contains("/spec/volumes"_json_pointer))
    for (json& volume : part["spec"]["volumes"])
      if (is_long(volume)) volume = volume["name"];
  if (part.contains("/spec/mounts"_json_pointer))
    for (json& mounts : part["spec"]["mounts"])
      for (json& mount : mounts)
        if (is_long(mount)) mount = mount["mountPath"];
}

json read_part(const json& object) {
  json part = json::object();
  for (const std::string& path : kRead)
    if (const json::json_pointer pointer(path); object.contains(pointer)) part[pointer] = object[pointer];
  if (part.contains("/metadata/labels"_json_pointer)) {
    part["metadata"]["labels"].erase("controller-revision-hash");      // how it is computed is nobody's business
    part["metadata"]["labels"].erase("apps.kubernetes.io/pod-index");  // 1.28
  }
  for (const json& condition : object.value("/status/conditions"_json_pointer, json::array()))
    part["status"]["conditions"].push_back(condition.value("type", "") + " " + condition.value("status", ""));
  for (const json& container : object.value("/spec/containers"_json_pointer, json::array()))
    if (container.contains("volumeMounts")) part["spec"]["mounts"][container["name"]] = container["volumeMounts"];
  shorten(part);
  return part;
}

json shown(const json& answer) {
  if (!answer.is_object()) return answer;
  if (answer.value("kind", "") == "Status") {
    json status = answer;
    status.erase("metadata");
    return status;
  }
  if (!answer.contains("items")) return read_part(answer);
  json list = {{"kind", answer["kind"]}, {"apiVersion", answer["apiVersion"]}, {"items", json::array()}};
  if (answer["metadata"].contains("continue")) list["metadata"]["continue"] = "more";
  for (const json& item : answer["items"]) list["items"].push_back(read_part(item));
  std::sort(list["items"].begin(), list["items"].end(),
            [](const json& a, const json& b) { return name_of(a) < name_of(b); });
  return list;
}

// What is another's in each run.
std::string same_in_each_run(std::string text) {
  static const std::vector<std::pair<std::regex, std::string>> kReplaced = {
      {std::regex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UID"},
      {std::regex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]*Z"), "TIME"},
      {std::regex("resource version: [0-9]+ \\([0-9]+\\)"), "resource version: N (N)"},
      {std::regex("resource version: [0-9]+, current: [0-9]+"), "resource version: N, current: N"},
      {std::regex("resourceVersion=[0-9]{2,}"), "resourceVersion=N"},
      {std::regex("continue=[^&]{10,}"), "continue=C"},
      {std::regex("\"resourceVersion\":\"[0-9]+\""), "\"resourceVersion\":\"N\""},
      {std::regex("key is not valid: [^,]*\""), "key is not valid\""},  // in Go's words
      {std::regex("couldn't get version/kind;.*\\)\""), "couldn't get version/kind\""},
      {std::regex("-----BEGIN CERTIFICATE[^\"]*"), "PEM"},
      {std::regex("kube-api-access-[a-z0-9]{5}"), "kube-api-access-X"}};
  for (const auto& [pattern, replacement] : kReplaced) text = std::regex_replace(text, pattern, replacement);
  return text;
}

}  // namespace

void Transcript::add_client(const std::string& who, const fs::path& folder) {
  clients_[who] = std::make_unique<ApiClient>(kServer, folder, std::chrono::seconds(30));
}

void Transcript::add_answer(const std::string& request, const json& body, const ApiAnswer& answer) {
  std::string sent = body.is_null() ? "" : " " + body.dump();
  if (sent.size() > kLongestBody) sent = sent.substr(0, kLongestBody) + "...";
  add(same_in_each_run(request + sent));
  add(same_in_each_run(fmt::format("  {} {}", answer.code,
                                   answer.json.is_discarded() ? json(answer.text).dump() : shown(answer.json).dump())));
}

ApiAnswer Transcript::ask(const std::string& who, const std::string& request, const json& body) {
  static const std::map<std::string, std::string> kPatches = {{"MERGE", "application/merge-patch+json"},
                                                              {"STRATEGIC", "application/strategic-merge-patch+json"}};
  const size_t space = request.find(' ');
  const std::string verb = request.substr(0, space), path = request.substr(space + 1);
  const auto patch = kPatches.find(verb);
  const std::string method = patch == kPatches.end() ? verb : "PATCH",
                    type = patch == kPatches.end() ? "application/json" : patch->second;
  const ApiAnswer answer = client(who).ask(method.c_str(), path, body.is_null() ? nullptr : &body, type);
  add_answer(who + ": " + request, body, answer);
  return answer;
}

ApiAnswer Transcript::get_as(const std::string& who, const std::string& path, const std::string& accept) {
  const ApiAnswer answer = client(who).ask("GET", path, nullptr, "", accept);
  add(fmt::format("{}: GET {} (Accept: {})\n  {}", who, path, accept, answer.code));
  return answer;
}

ApiAnswer Transcript::send(const std::string& who, const std::string& method, const std::string& path,
                           const std::string& type, const json& body) {
  const ApiAnswer answer = client(who).ask(method.c_str(), path, &body, type);
  add_answer(fmt::format("{}: {} {} ({})", who, method, path, type), body, answer);
  return answer;
}

std::vector<json> Transcript::watch(const std::string& who, const std::string& path) {
  const ApiAnswer answer = client(who).get(path);
  add(same_in_each_run(fmt::format("{}: GET {}\n  {}", who, path, answer.code)));
  std::vector<json> events;
  std::vector<std::string> lines;
  std::istringstream text(answer.text);
  for (std::string line; std::getline(text, line);) {
    const json event = json::parse(line, nullptr, false);
    if (!event.is_object() || !event.contains("object")) {
      lines.push_back("  " + same_in_each_run(shown(event).dump()));
      continue;
    }
    lines.push_back(
        same_in_each_run(fmt::format("  {} {}", event["type"].get<std::string>(), shown(event["object"]).dump())));
    events.push_back(event);
  }
  const auto changed =
      std::find_if(lines.begin(), lines.end(), [](const auto& l) { return !l.starts_with("  ADDED"); });
  std::sort(lines.begin(), changed);
  for (const std::string& line : lines) add(line);
  return events;
}

void Transcript::add_claims(const std::string& what, const std::string& token) {
  const size_t first = token.find('.'), last = token.rfind('.');
  json header = json::parse(kubernetes::decode_base64url(token.substr(0, first)).value_or(""));
  json claims = json::parse(kubernetes::decode_base64url(token.substr(first + 1, last - first - 1)).value_or(""));
  header["kid"] = header["kid"].get<std::string>().size();
  const int64_t made = claims["iat"];
  for (json* holder : {&claims, &claims["kubernetes.io"]})
    for (const char* key : {"exp", "iat", "nbf", "warnafter"})
      if (holder->contains(key)) (*holder)[key] = (*holder)[key].get<int64_t>() - made;
  add(same_in_each_run(fmt::format("token {}: {} {}", what, header.dump(), claims.dump())));
}

ApiAnswer Transcript::ask_until(const std::string& who, const std::string& path, const std::string& text) {
  ApiAnswer answer;
  wait_until([&] {
    answer = client(who).get(path);
    return answer.text.find(text) != std::string::npos;
  });
  add_answer(fmt::format("{}: GET {} until {}", who, path, text), nullptr, answer);
  return answer;
}

ApiAnswer Transcript::wait_for(const std::string& who, const std::string& path, size_t count) {
  ApiAnswer answer;
  wait_until([&] {
    answer = client(who).get(path);
    return answer.is_ok() && answer.json["items"].size() == count;
  });
  add_answer(fmt::format("{}: GET {} until there are {}", who, path, count), nullptr, answer);
  return answer;
}

}  // namespace podium::cluster
