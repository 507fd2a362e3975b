#include "tests/cluster/small_api_server/store.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <sys/random.h>
#include <unistd.h>

#include <fstream>

#include "worker/base/error.h"

namespace podium::cluster::small {
namespace {

using nlohmann::json;

constexpr size_t kMostEvents = 5000;

std::string text_at(const json& object, const json::json_pointer& path) { return object.value(path, ""); }

}  // namespace

std::string name_of(const json& object) { return text_at(object, "/metadata/name"_json_pointer); }
std::string namespace_of(const json& object) { return text_at(object, "/metadata/namespace"_json_pointer); }
std::string uid_of(const json& object) { return text_at(object, "/metadata/uid"_json_pointer); }

std::string new_uid() {
  unsigned char b[16];
  PODIUM_CHECK(::getrandom(b, sizeof b, 0) == sizeof b);
  std::string text;
  for (size_t i = 0; i < sizeof b; ++i)
    text += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
  return text;
}

std::string now_as_text(std::chrono::seconds later) {
  const auto now = std::chrono::system_clock::now() + later;
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

// A killed server may have left half a line, which nobody has heard of.
Store::Store(const fs::path& journal) {
  std::ifstream before(journal, std::ios::binary);
  uintmax_t whole = 0;
  for (std::string line; std::getline(before, line) && !before.eof(); whole += line.size() + 1) {
    json entry = json::parse(line, nullptr, false);
    if (entry.is_discarded()) throw Error("{}: no JSON at byte {}", journal.string(), whole);
    apply(entry.at("resource"), std::move(entry.at("object")), entry.at("is_removed"));
  }
  if (fs::exists(journal)) fs::resize_file(journal, whole);
  events_.clear();  // as a watch cache that begins anew
  oldest_ = version_;
  descriptor_ = ::open(journal.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor_ < 0) throw_system_error(errno, journal.string());
}

Store::~Store() { ::close(descriptor_); }

void Store::write(const json& line) {
  const std::string text = line.dump() + "\n";
  for (size_t written = 0; written < text.size();) {
    const ssize_t size = ::write(descriptor_, text.data() + written, text.size() - written);
    if (size < 0 && errno != EINTR) throw_system_error(errno, "the journal");
    if (size > 0) written += static_cast<size_t>(size);
  }
}

Object Store::find(const std::string& resource, const std::string& name_space, const std::string& name) const {
  const auto objects = objects_.find(resource);
  if (objects == objects_.end()) return nullptr;
  const auto found = objects->second.find({name_space, name});
  return found == objects->second.end() ? nullptr : found->second;
}

std::vector<Object> Store::all(const std::string& resource, const std::string& name_space) const {
  return all_at(resource, name_space, version_);
}

std::vector<Object> Store::all_at(const std::string& resource, const std::string& name_space, int64_t version) const {
  std::map<Place, Object> objects;
  if (const auto found = objects_.find(resource); found != objects_.end()) objects = found->second;
  for (auto event = events_.rbegin(); event != events_.rend() && event->version > version; ++event) {
    if (event->resource != resource) continue;
    const Place place{event->name_space, name_of(*event->after)};
    if (event->before)
      objects[place] = event->before;
    else
      objects.erase(place);
  }
  std::vector<Object> result;
  for (const auto& [place, object] : objects)
    if (name_space.empty() || place.first == name_space) result.push_back(object);
  return result;
}

void Store::apply(const std::string& resource, json object, bool is_removed) {
  version_ = std::stoll(object.at("metadata").at("resourceVersion").get<std::string>());
  const Place place{namespace_of(object), name_of(object)};
  Object& kept = objects_[resource][place];
  const auto after = std::make_shared<const json>(std::move(object));
  events_.push_back({version_, resource, place.first, kept, after, is_removed});
  kept = after;
  if (is_removed) objects_[resource].erase(place);
  if (events_.size() > kMostEvents) {
    oldest_ = events_.front().version;
    events_.pop_front();
  }
}

Object Store::put(const std::string& resource, json object) {
  const Object there = find(resource, namespace_of(object), name_of(object));
  if (there) object["metadata"]["resourceVersion"] = (*there)["metadata"]["resourceVersion"];
  if (there && *there == object) return there;
  object["metadata"]["resourceVersion"] = std::to_string(version_ + 1);
  write({{"resource", resource}, {"is_removed", false}, {"object", object}});
  apply(resource, std::move(object), false);
  changed_.notify_all();
  return events_.back().after;
}

Object Store::remove(const std::string& resource, json last) {
  last["metadata"]["resourceVersion"] = std::to_string(version_ + 1);
  write({{"resource", resource}, {"is_removed", true}, {"object", last}});
  apply(resource, std::move(last), true);
  changed_.notify_all();
  return events_.back().after;
}

std::vector<Event> Store::events_after(int64_t version) const {
  auto first = events_.end();
  while (first != events_.begin() && std::prev(first)->version > version) --first;
  return {first, events_.end()};
}

void Store::wait(std::unique_lock<std::mutex>& lock, int64_t seen, std::chrono::milliseconds longest) {
  changed_.wait_for(lock, longest, [&] { return version_ > seen; });
}

}  // namespace podium::cluster::small
