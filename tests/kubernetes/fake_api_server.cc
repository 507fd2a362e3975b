#include "tests/kubernetes/fake_api_server.h"

#include <fmt/format.h>

namespace podium {

using nlohmann::json;

namespace {

std::string query_value(const std::string& target, const std::string& key) {
  for (size_t at = target.find('?'); at != std::string::npos; at = target.find('&', at + 1))
    if (target.compare(at + 1, key.size() + 1, key + "=") == 0) {
      std::string value = target.substr(at + key.size() + 2);
      value = value.substr(0, value.find('&'));
      for (size_t percent; (percent = value.find('%')) != std::string::npos;)
        value.replace(percent, 3, 1, static_cast<char>(std::stoi(value.substr(percent + 1, 2), nullptr, 16)));
      return value;
    }
  return "";
}

// "app=web", or "metadata.name=web-0", or nothing.
bool is_selected(const json& pod, const std::string& target) {
  const std::string labels = query_value(target, "labelSelector"), fields = query_value(target, "fieldSelector");
  const std::string app = pod["metadata"]["labels"]["app"], name = pod["metadata"]["name"];
  return (labels.empty() || labels == "app=" + app) && (fields.empty() || fields == "metadata.name=" + name);
}

json with_version(json pod, int version) {
  pod["metadata"]["resourceVersion"] = std::to_string(version);
  return pod;
}

std::string event_line(const std::string& type, const json& object) {
  return json{{"type", type}, {"object", object}}.dump() + "\n";
}

}  // namespace

FakeApiServer::FakeApiServer(const CertificateAndKey& certificate)
    : server_(std::make_unique<HttpsServer>(certificate, HttpsServer::Place{},
                                            [this](Exchange& exchange) { handle(exchange); })) {}

FakeApiServer::~FakeApiServer() { stop(); }

void FakeApiServer::start() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = false;
  }
  server_->start();
}

void FakeApiServer::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  changed_.notify_all();
  server_->stop();
}

void FakeApiServer::handle(Exchange& answer) {
  std::optional<Script> replacement;
  bool is_known = false;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(answer.line());
    replacement = take_replacement(answer.line());
    is_known = answer.header("Authorization") == "Bearer " + token_;
  }
  const std::string& target = answer.target();
  if (replacement)
    (*replacement)(answer);
  else if (!is_known)
    answer.answer(401, status_body(401, "Unauthorized", "Unauthorized"), "");
  else if (target.find("/api/v1/namespaces/demo/pods?") == 0)
    handle_pods(answer);
  else if (target.find("/apis/apps/v1/namespaces/demo/statefulsets/web") == 0)
    handle_stateful_set(answer);
  else if (target == "/openid/v1/jwks")
    handle_keys(answer);
  else
    answer.answer(404, status_body(404, "NotFound", "the server could not find the requested resource"), "");
}

std::optional<FakeApiServer::Script> FakeApiServer::take_replacement(const std::string& line) {
  for (Replacement& replacement : replacements_)
    if (replacement.times > 0 && line.find(replacement.part) != std::string::npos) {
      --replacement.times;
      return replacement.script;
    }
  return std::nullopt;
}

void FakeApiServer::handle_pods(Exchange& answer) {
  if (query_value(answer.target(), "watch") == "1")
    watch(answer);
  else
    list(answer);
}

// As the real one: a limit counts only when the newest version is asked for, and a version ahead of it is refused.
void FakeApiServer::list(Exchange& answer) {
  const std::string next = query_value(answer.target(), "continue"),
                    wanted = query_value(answer.target(), "resourceVersion");
  const std::string limit_text = query_value(answer.target(), "limit");
  const bool is_paged = wanted.empty() && !limit_text.empty();
  std::unique_lock lock(mutex_);
  if (!next.empty() && std::stoi(next) < oldest_) {
    lock.unlock();
    return answer.answer(410, status_body(410, "Expired", "The provided continue parameter is too old"), "");
  }
  if (!wanted.empty() && std::stoi(wanted) > version_) {
    lock.unlock();
    json status = json::parse(status_body(504, "Timeout", "Too large resource version: " + wanted));
    status["details"]["causes"] = json::array({{{"reason", "ResourceVersionTooLarge"}}});
    return answer.answer(504, status.dump(), "");
  }
  json page{{"kind", "PodList"}, {"apiVersion", "v1"}, {"items", json::array()}};
  page["metadata"]["resourceVersion"] = std::to_string(version_);
  const std::string after = next.empty() ? "" : next.substr(next.find('/') + 1);
  size_t room = is_paged ? std::stoul(limit_text) : pods_.size();
  if (!next.empty() && !limit_text.empty()) room = std::stoul(limit_text);
  for (const auto& [name, pod] : pods_) {
    if (name <= after || !is_selected(pod, answer.target())) continue;
    if (room-- == 0) {
      page["metadata"]["continue"] =
          fmt::format("{}/{}", version_, page["items"].back()["metadata"]["name"].get<std::string>());
      break;
    }
    page["items"].push_back(pod);
  }
  lock.unlock();
  answer.begin();
  answer.chunk(page.dump());
  answer.end();
}

void FakeApiServer::watch(Exchange& answer) {
  int seen = std::stoi(query_value(answer.target(), "resourceVersion"));
  std::unique_lock lock(mutex_);
  const int round = watch_round_;
  answer.begin();
  if (seen < oldest_) {
    lock.unlock();
    answer.chunk(event_line("ERROR", json::parse(status_body(410, "Expired", "too old resource version"))));
    return answer.end();
  }
  while (true) {
    std::string text;
    for (const Event& event : events_) {
      if (event.version <= seen) continue;
      seen = event.version;
      if (event.type == "BOOKMARK" || is_selected(event.object, answer.target()))
        text += event_line(event.type, with_version(event.object, event.version));
    }
    if (!text.empty()) {
      lock.unlock();
      answer.chunk(text);
      lock.lock();
      continue;
    }
    if (is_stopped_) answer.close();
    if (round != watch_round_) break;
    changed_.wait(lock);
  }
  lock.unlock();
  answer.end();
}

void FakeApiServer::handle_stateful_set(Exchange& answer) {
  const bool is_scale = answer.target() == "/apis/apps/v1/namespaces/demo/statefulsets/web/scale";
  if (!is_scale && answer.target() != "/apis/apps/v1/namespaces/demo/statefulsets/web")
    return answer.answer(404, status_body(404, "NotFound", "statefulsets.apps \"other\" not found"), "");
  const bool is_patch = answer.line().find("PATCH ") == 0;
  if (is_patch && answer.header("Content-Type") != "application/merge-patch+json")
    return answer.answer(
        415, status_body(415, "UnsupportedMediaType", "the body of the request was in an unknown format"), "");
  const std::lock_guard lock(mutex_);
  if (is_patch) replicas_ = json::parse(answer.body())["spec"]["replicas"];
  json object;
  object["metadata"] = {{"name", "web"}, {"uid", "set-uid"}};
  object["spec"] = is_scale && replicas_ == 0 ? json::object() : json{{"replicas", replicas_}};
  if (!is_scale) object["spec"]["selector"]["matchLabels"]["app"] = "web";
  answer.answer(200, object.dump(), "");
}

void FakeApiServer::handle_keys(Exchange& answer) {
  // As the real one: this is no application/json to it.
  if (answer.header("Accept").find("application/jwk-set+json") == std::string::npos)
    return answer.answer(406, status_body(406, "NotAcceptable", "406: Not Acceptable"), "");
  const std::lock_guard lock(mutex_);
  answer.answer(200, keys_, "");
}

void FakeApiServer::put_pod(const std::string& name, const std::string& uid, const std::function<void(json&)>& change) {
  json pod = pod_object(name, uid);
  if (change) change(pod);
  {
    const std::lock_guard lock(mutex_);
    pod = with_version(pod, ++version_);
    events_.push_back({version_, pods_.count(name) == 0 ? "ADDED" : "MODIFIED", pod});
    pods_[name] = pod;
  }
  changed_.notify_all();
}

void FakeApiServer::delete_pod(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back({++version_, "DELETED", pods_.at(name)});
    pods_.erase(name);
  }
  changed_.notify_all();
}

void FakeApiServer::bookmark() {
  {
    const std::lock_guard lock(mutex_);
    json object{{"kind", "Pod"}, {"apiVersion", "v1"}, {"metadata", {{"creationTimestamp", nullptr}}}};
    object["spec"]["containers"] = nullptr;
    events_.push_back({++version_, "BOOKMARK", object});
  }
  changed_.notify_all();
}

void FakeApiServer::end_watches() {
  {
    const std::lock_guard lock(mutex_);
    ++watch_round_;
  }
  changed_.notify_all();
}

void FakeApiServer::forget_history() {
  const std::lock_guard lock(mutex_);
  events_.clear();
  oldest_ = ++version_;
}

void FakeApiServer::accept_token(const std::string& token) {
  const std::lock_guard lock(mutex_);
  token_ = token;
}

void FakeApiServer::hold_keys(const json& set) {
  const std::lock_guard lock(mutex_);
  keys_ = set.dump();
}

int FakeApiServer::replicas() const {
  const std::lock_guard lock(mutex_);
  return replicas_;
}

void FakeApiServer::instead(const std::string& part, Script script, int times) {
  const std::lock_guard lock(mutex_);
  replacements_.push_back({part, std::move(script), times});
}

std::vector<std::string> FakeApiServer::requests(const std::string& part) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (const std::string& line : requests_)
    if (line.find(part) != std::string::npos) found.push_back(line);
  return found;
}

std::string status_body(int code, const std::string& reason, const std::string& message) {
  return json{{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", json::object()},
              {"status", "Failure"}, {"message", message}, {"reason", reason},
              {"code", code}}
      .dump();
}

json pod_object(const std::string& name, const std::string& uid) {
  json pod{{"metadata", {{"name", name}, {"namespace", "demo"}, {"uid", uid}}}, {"status", {{"phase", "Pending"}}}};
  pod["metadata"]["labels"]["app"] = "web";
  pod["metadata"]["ownerReferences"] = json::array({{{"apiVersion", "apps/v1"},
                                                     {"kind", "StatefulSet"},
                                                     {"name", "web"},
                                                     {"uid", "set-uid"},
                                                     {"controller", true}}});
  return pod;
}

}  // namespace podium
