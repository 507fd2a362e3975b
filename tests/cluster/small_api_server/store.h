// All objects, their versions, and what has happened to them. Each change is in the journal, a file, before anybody
// hears of it: killed at any instant, the next server has it all. (Not so when the machine is: nothing is synced.)
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "worker/base/file.h"

namespace podium::cluster::small {

using Object = std::shared_ptr<const nlohmann::json>;

// A change. Without `before` the object was made; where `is_removed` it is gone, and `after` is its last state.
struct Event {
  int64_t version = 0;
  std::string resource, name_space;
  Object before, after;
  bool is_removed = false;
};

// Whoever calls holds mutex(). Resources by their plural names; of what has no namespace, that is "".
class Store {
 public:
  // Reads the journal where there is one. Throws Error when it cannot be read or written.
  explicit Store(const fs::path& journal);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  std::mutex& mutex() { return mutex_; }

  Object find(const std::string& resource, const std::string& name_space, const std::string& name) const;
  // Of all namespaces where `name_space` is empty; by namespace and name.
  std::vector<Object> all(const std::string& resource, const std::string& name_space) const;
  // The same as it was at `version`, not before oldest().
  std::vector<Object> all_at(const std::string& resource, const std::string& name_space, int64_t version) const;

  // Makes or replaces; the object is given the next version. Equal to what is there: nothing happens.
  Object put(const std::string& resource, nlohmann::json object);
  // `last`: what it was in the end.
  Object remove(const std::string& resource, nlohmann::json last);

  int64_t version() const { return version_; }
  int64_t oldest() const { return oldest_; }  // of which what followed is known
  std::vector<Event> events_after(int64_t version) const;
  // Until there is a version after `seen`, at most `longest`.
  void wait(std::unique_lock<std::mutex>& lock, int64_t seen, std::chrono::milliseconds longest);

 private:
  using Place = std::pair<std::string, std::string>;  // namespace, name
  void apply(const std::string& resource, nlohmann::json object, bool is_removed);
  void write(const nlohmann::json& line);

  int descriptor_ = -1;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::map<Place, Object>> objects_;
  std::deque<Event> events_;
  int64_t version_ = 100, oldest_ = 100;
};

std::string name_of(const nlohmann::json& object);
std::string namespace_of(const nlohmann::json& object);
std::string uid_of(const nlohmann::json& object);
std::string new_uid();
std::string now_as_text(std::chrono::seconds later = {});  // "2020-01-01T00:00:00Z"

}  // namespace podium::cluster::small
