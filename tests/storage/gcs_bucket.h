// A bucket of Cloud Storage in memory, behind the JSON API: objects with generations, uploads of all kinds, reads,
// listings, compose. It answers as the facts say; it has no sockets and no faults.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "tests/storage/gcs_exchange.h"

namespace podium {

struct GcsObject {
  std::string content;
  uint32_t crc32c = 0;
  int64_t generation = 0;
  nlohmann::json metadata;  // the user's own
  int64_t created = 0;      // seconds since 1970
  bool is_composed = false;
};

class GcsBucket {
 public:
  // `unix_seconds`: its clock.
  GcsBucket(std::string name, std::function<int64_t()> unix_seconds)
      : name_(std::move(name)), unix_seconds_(std::move(unix_seconds)) {}

  GcsAnswer answer(const GcsRequest& request);
  // What the service keeps of a part of an upload that broke off: whole blocks of 256 KiB.
  void keep_part(const GcsRequest& request);
  void expire_sessions(int status);  // 404 or 410 from now on for those that are open

  // What it holds.
  std::map<std::string, GcsObject> objects() const;
  std::optional<std::string> content(const std::string& name) const;
  void put(const std::string& name, const std::string& content);  // as another would
  void make_older(const std::string& name, int64_t seconds);      // as if it had been there so long
  size_t open_sessions() const;
  size_t largest_part() const;  // bytes of the largest request of an upload so far
  int overwritten() const;      // objects that were replaced: never, by us

 private:
  struct Session {
    std::string object, if_generation;
    nlohmann::json metadata;
    std::string content;
    bool is_done = false;
    int gone = 0;  // 404, 410, 499
  };
  using Range = std::tuple<std::optional<uint64_t>, uint64_t, std::optional<uint64_t>>;  // begin, end, total

  GcsAnswer upload(const GcsRequest& request);
  GcsAnswer upload_multipart(const GcsRequest& request);
  GcsAnswer begin_session(const GcsRequest& request, const nlohmann::json& metadata);
  GcsAnswer continue_session(const GcsRequest& request);
  GcsAnswer take_part(Session& session, const GcsRequest& request);
  GcsAnswer finish_session(Session& session);
  // Takes the content where it answers 200. `composed_crc`: of one that was composed.
  GcsAnswer create(const std::string& name, const nlohmann::json& metadata, std::string&& content,
                   const std::string& if_generation, std::optional<uint32_t> composed_crc = std::nullopt);
  GcsAnswer read(const GcsRequest& request, const std::string& name);
  GcsAnswer list(const GcsRequest& request);
  GcsAnswer compose(const GcsRequest& request, const std::string& name);
  GcsAnswer remove(const std::string& name);
  nlohmann::json description(const std::string& name, const GcsObject& object) const;
  GcsAnswer stored_so_far(const Session& session) const;

  const std::string name_;
  const std::function<int64_t()> unix_seconds_;
  mutable std::mutex mutex_;
  std::map<std::string, GcsObject> objects_;
  std::map<std::string, Session> sessions_;
  int64_t generation_ = 1'000'000;
  int next_session_ = 1, overwritten_ = 0;
  size_t largest_part_ = 0;
};

}  // namespace podium
