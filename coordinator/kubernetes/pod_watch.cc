#include "coordinator/kubernetes/pod_watch.h"

#include "coordinator/kubernetes/access.h"
#include "coordinator/kubernetes/backoff.h"

namespace podium::kubernetes {

namespace asio = boost::asio;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr int kPageOfPods = 500;
constexpr double kShortestWatch = 300, kWatchSpread = 300;  // seconds
constexpr auto kVeryShort = 1s;

// Whether a watch that failed so may have missed nothing: then it is taken up again where it was, without a list.
bool may_watch_again(const ApiError& error) {
  switch (error.kind) {
    case ApiError::Kind::kStatus:
      return error.details.code == 429;
    case ApiError::Kind::kMalformed:
      return false;
    default:
      return true;
  }
}

}  // namespace

class PodWatch::Loop {
 public:
  Loop(asio::io_context& io, std::shared_ptr<Credentials> credentials, PodSelection selection, Handlers handlers,
       TimeAndChance time, ApiLimits limits)
      : selection_(std::move(selection)),
        handlers_(std::move(handlers)),
        time_(std::move(time)),
        connection_(io, std::move(credentials), time_, limits),
        timer_(io) {}

  asio::awaitable<void> run();
  void stop();

 private:
  asio::awaitable<void> list();
  asio::awaitable<void> watch();
  asio::awaitable<void> recover(const ApiError& error);
  std::string target(const std::string& query) const;
  bool is_ours(const Pod& pod) const;
  void apply(std::string_view line);
  void apply(const std::string& type, const json& object);
  void replace(PodsByName pods);
  void tell(const std::string& trouble);

  const PodSelection selection_;
  const Handlers handlers_;
  const TimeAndChance time_;
  ApiConnection connection_;
  asio::steady_timer timer_;
  Backoff backoff_;

  bool is_stopped_ = false;
  bool needs_list_ = true, was_listed_ = false;
  bool is_paged_ = true;  // until a list expires between two pages
  // Of the last list or event. "0": whatever the server has at hand; "": the newest, for after an expired one.
  std::string version_ = "0";
  bool was_expired_ = false;  // the last attempt
  PodsByName pods_;
  std::string trouble_;
};

asio::awaitable<void> PodWatch::Loop::run() {
  while (!is_stopped_) {
    std::optional<ApiError> failure;
    try {
      if (needs_list_)
        co_await list();
      else
        co_await watch();
    } catch (const ApiError& error) {
      failure = error;
    } catch (const Error& error) {
      failure.emplace(ApiError::Kind::kMalformed, error.what());
    }
    if (is_stopped_) co_return;
    if (failure)
      co_await recover(*failure);
    else
      was_expired_ = false;
  }
}

// Decides what comes next, and waits. A list that expired is no trouble the first time, and repeated at once.
asio::awaitable<void> PodWatch::Loop::recover(const ApiError& error) {
  const bool is_list = needs_list_, is_first = !std::exchange(was_expired_, error.is_expired());
  if (error.is_expired()) version_.clear();
  if (error.is_expired() && is_list && is_first) co_return;
  if (!error.is_expired() || !is_first)
    tell(explain(error, {"pods", is_list ? "list" : "watch", ""}, connection_.credentials()));
  if (!may_watch_again(error)) needs_list_ = true;
  const auto floor = error.details.retry_after.value_or(0s);
  co_await pause(timer_, time_, backoff_.next(time_.now(), time_.chance(), floor));
}

asio::awaitable<void> PodWatch::Loop::list() {
  const std::string limit = is_paged_ ? fmt::format("&limit={}", kPageOfPods) : "";
  PodsByName found;
  std::string version, next;
  do {
    const std::string page_of =
        next.empty() ? (version_.empty() ? "" : "&resourceVersion=" + version_) : "&continue=" + percent_encoded(next);
    if (!next.empty()) is_paged_ = false;  // should this page have expired
    const std::string page_target = target(limit + page_of);
    const json page = co_await connection_.get(page_target);
    const json& metadata = json_object(page, "metadata", "list of pods");
    version = json_string(metadata, "resourceVersion", "list of pods: metadata");
    next = json_has(metadata, "continue") ? json_string(metadata, "continue", "list of pods: metadata") : "";
    if (json_has(page, "items"))
      for (const json& item : json_array(page, "items", "list of pods")) {
        Pod pod = parse_pod(item);
        if (is_ours(pod)) found.insert_or_assign(pod.name, std::move(pod));
      }
  } while (!next.empty() && !is_stopped_);
  if (is_stopped_) co_return;
  is_paged_ = true;
  version_ = version;
  needs_list_ = false;
  replace(std::move(found));
}

asio::awaitable<void> PodWatch::Loop::watch() {
  const Instant started = time_.now();
  int events = 0;
  const std::string watch_target =
      target(fmt::format("&watch=1&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}",
                         static_cast<int>(kShortestWatch + kWatchSpread * time_.chance()), version_));
  std::function<void()> opened = [this] {
    if (!is_stopped_) tell("");
  };
  std::function<void(std::string_view)> line = [this, &events](std::string_view text) {
    if (is_stopped_) return;
    ++events;
    apply(text);
  };
  const bool has_ended = co_await connection_.stream(watch_target, std::move(opened), std::move(line));
  if (has_ended && events == 0 && time_.now() - started < kVeryShort)
    throw ApiError(ApiError::Kind::kMalformed, "Kubernetes API: a watch of pods ended at once, without an event");
}

std::string PodWatch::Loop::target(const std::string& query) const {
  std::string text = fmt::format("/api/v1/namespaces/{}/pods?", selection_.name_space);
  text += "labelSelector=" + percent_encoded(selection_.labels);
  if (!selection_.fields.empty()) text += "&fieldSelector=" + percent_encoded(selection_.fields);
  return text + query;
}

bool PodWatch::Loop::is_ours(const Pod& pod) const { return selection_.owner.empty() || pod.owner == selection_.owner; }

void PodWatch::Loop::apply(std::string_view line) {
  const json event = parse_strict_json(line, "event of a watch", kApiJsonLimits);
  const std::string type = json_string(event, "type", "event of a watch");
  const json& object = json_object(event, "object", "event of a watch");
  if (type == "ERROR") throw status_error("Kubernetes API: watch of pods", object);
  const json& metadata = json_object(object, "metadata", "event of a watch: object");
  const std::string version = json_string(metadata, "resourceVersion", "event of a watch: metadata");
  if (type != "BOOKMARK") apply(type, object);
  version_ = version;
}

void PodWatch::Loop::apply(const std::string& type, const json& object) {
  if (type != "ADDED" && type != "MODIFIED" && type != "DELETED")
    throw Error("event of a watch: found type \"{}\", expected ADDED, MODIFIED, DELETED, BOOKMARK or ERROR",
                one_line(type, 40));
  Pod pod = parse_pod(object);
  const auto known = pods_.find(pod.name);
  const bool is_known = known != pods_.end();
  if (type == "DELETED" || !is_ours(pod)) {
    // Not the one that has taken its name since.
    if (!is_known || known->second.uid != pod.uid) return;
    pods_.erase(known);
  } else {
    if (is_known && known->second == pod) return;
    pods_.insert_or_assign(pod.name, std::move(pod));
  }
  if (handlers_.changed) handlers_.changed(pods_);
}

void PodWatch::Loop::replace(PodsByName pods) {
  const bool is_news = !was_listed_ || pods != pods_;
  was_listed_ = true;
  pods_ = std::move(pods);
  if (is_news && handlers_.changed) handlers_.changed(pods_);
}

void PodWatch::Loop::tell(const std::string& trouble) {
  if (trouble == trouble_) return;
  trouble_ = trouble;
  if (handlers_.trouble) handlers_.trouble(trouble_);
}

void PodWatch::Loop::stop() {
  is_stopped_ = true;
  timer_.cancel();
  connection_.close();
}

PodWatch::PodWatch(asio::io_context& io, std::shared_ptr<Credentials> credentials, PodSelection selection,
                   Handlers handlers, TimeAndChance time, ApiLimits limits)
    : loop_(std::make_shared<Loop>(io, std::move(credentials), std::move(selection), std::move(handlers),
                                   std::move(time), limits)) {
  // The coroutine keeps its loop for as long as it is under way.
  auto run = [](std::shared_ptr<Loop> loop) -> asio::awaitable<void> { co_await loop->run(); };
  asio::co_spawn(io, run(loop_), [](std::exception_ptr bug) {
    if (bug) std::rethrow_exception(bug);
  });
}

PodWatch::~PodWatch() { loop_->stop(); }

PodSelection pods_of(const std::string& name_space, const std::string& stateful_set, const std::string& labels) {
  return {.name_space = name_space, .labels = labels, .fields = "", .owner = stateful_set};
}

PodSelection one_pod(const std::string& name_space, const std::string& pod) {
  return {.name_space = name_space, .labels = "", .fields = "metadata.name=" + pod, .owner = ""};
}

}  // namespace podium::kubernetes
