#include "tests/cluster/small_api_server/lists.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "coordinator/kubernetes/base64url.h"
#include "tests/cluster/small_api_server/refusal.h"
#include "tests/kubernetes/signing_key.h"

namespace podium::cluster::small {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kLongestWatch{1800}, kBookmarks{60}, kPatience{3};
constexpr milliseconds kLook{500};  // whether the client is still there

std::optional<int64_t> number(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::string no_number(const std::string& text) {
  return fmt::format("resourceVersion: Invalid value: \"{0}\": strconv.ParseUint: parsing \"{0}\": invalid syntax",
                     text);
}

int64_t version_of(const std::string& text) {
  if (const auto value = number(text)) return *value;
  throw bad_request("invalid resource version: " + no_number(text));
}

Refusal too_large(int64_t wanted, int64_t there) {
  return refuse(
      504, "Timeout", fmt::format("Timeout: Too large resource version: {}, current: {}", wanted, there),
      {{"retryAfterSeconds", 1},
       {"causes", json::array({{{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}}})}});
}

Refusal expired() {
  return refuse(410, "Expired", "The provided continue parameter is too old to display a consistent list result.");
}

// Where the next page begins: {"rv": version of the first page, "start": place_of() the last object before}.
json continued(const std::string& token) {
  const auto text = kubernetes::decode_base64url(token);
  const json start = json::parse(text.value_or(""), nullptr, false);
  if (!start.is_object() || !start.contains("rv") || !start.contains("start"))
    throw bad_request("invalid continue token: continue key is not valid: found no JSON of this server's");
  return start;
}

// Sorts as the store's objects do.
std::string place_of(const json& object) { return namespace_of(object) + '\x01' + name_of(object); }

json without_type(json object) {
  object.erase("kind");
  object.erase("apiVersion");
  return object;
}

std::string event_line(const char* type, const json& object) {
  return json{{"type", type}, {"object", object}}.dump() + "\n";
}

// What a watch of `selection` makes of a change: an object that comes into the selection is new to it.
std::string line_of(const Event& event, const Selection& selection) {
  const bool was = event.before && selection.has(*event.before), is = !event.is_removed && selection.has(*event.after);
  if (is) return event_line(was ? "MODIFIED" : "ADDED", *event.after);
  if (!was) return "";
  json last = event.is_removed ? *event.after : *event.before;
  last["metadata"]["resourceVersion"] = std::to_string(event.version);
  return event_line("DELETED", last);
}

std::string bookmark(const Kind& kind, int64_t version) {
  json object = {{"kind", kind.name},
                 {"apiVersion", kind.api_version()},
                 {"metadata", {{"resourceVersion", std::to_string(version)}, {"creationTimestamp", nullptr}}}};
  if (kind.name == "Pod") object["spec"]["containers"] = nullptr;
  return event_line("BOOKMARK", object);
}

}  // namespace

// As the real one: a limit counts only where the newest version is asked for.
json list(Store& store, const Kind& kind, const Request& request) {
  const Selection selection(request);
  const std::string wanted = request.option("resourceVersion"), next = request.option("continue");
  const json start = next.empty() ? json() : continued(next);
  const int64_t least = wanted.empty() ? 0 : version_of(wanted);
  std::unique_lock lock(store.mutex());
  for (const auto end = steady_clock::now() + kPatience; store.version() < least;) {
    if (steady_clock::now() > end) throw too_large(least, store.version());
    store.wait(lock, store.version(), kLook);
  }
  const int64_t version = start.is_null() ? store.version() : start["rv"].get<int64_t>();
  if (version < store.oldest()) throw expired();
  const bool is_paged = !start.is_null() || wanted.empty();
  int64_t room = is_paged ? number(request.option("limit")).value_or(0) : 0;
  if (room == 0) room = INT64_MAX;
  json page = {{"kind", kind.name + "List"},
               {"apiVersion", kind.api_version()},
               {"metadata", {{"resourceVersion", std::to_string(version)}}},
               {"items", json::array()}};
  std::string last;
  for (const Object& object : store.all_at(kind.plural, request.name_space, version)) {
    if (!selection.has(*object) || (!start.is_null() && place_of(*object) <= start["start"])) continue;
    if (room-- == 0) {
      page["metadata"]["continue"] = base64url(json{{"rv", version}, {"start", last}}.dump());
      break;
    }
    page["items"].push_back(without_type(*object));
    last = place_of(*object);
  }
  return page;
}

void watch(Store& store, const Kind& kind, const Request& request, HttpsServer::Exchange& exchange) {
  const Selection selection(request);
  const std::string wanted = request.option("resourceVersion");
  if (!wanted.empty() && !number(wanted)) throw refuse(500, "", no_number(wanted));
  const bool takes_bookmarks = request.option("allowWatchBookmarks") == "true";
  const auto timeout = number(request.option("timeoutSeconds")).value_or(0);
  const auto end = steady_clock::now() + (timeout > 0 ? std::chrono::seconds(timeout) : kLongestWatch);
  auto next_bookmark = steady_clock::now() + kBookmarks;
  int64_t seen = wanted.empty() ? 0 : *number(wanted);
  exchange.begin();
  std::string text;
  std::unique_lock lock(store.mutex());
  if (seen == 0) {
    for (const Object& object : store.all(kind.plural, request.name_space))
      if (selection.has(*object)) text += event_line("ADDED", *object);
    seen = store.version();
  }
  while (true) {
    const bool is_expired = seen < store.oldest();
    if (is_expired)
      text += event_line(
          "ERROR",
          refuse(410, "Expired", fmt::format("too old resource version: {} ({})", seen, store.oldest())).status);
    else
      for (const Event& event : store.events_after(seen)) {
        seen = event.version;
        if (event.resource != kind.plural) continue;
        if (request.name_space.empty() || event.name_space == request.name_space) text += line_of(event, selection);
      }
    const auto now = steady_clock::now();
    if (takes_bookmarks && now > next_bookmark) {
      text += bookmark(kind, seen);
      next_bookmark = now + kBookmarks;
    }
    lock.unlock();
    if (!text.empty()) exchange.chunk(text);
    text.clear();
    if (is_expired || now >= end) return exchange.end();
    if (exchange.is_gone()) exchange.close();
    lock.lock();
    const auto rest = std::chrono::duration_cast<milliseconds>(end - now) + milliseconds(1);
    store.wait(lock, seen, std::min(kLook, rest));
  }
}

}  // namespace podium::cluster::small
