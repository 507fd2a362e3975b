#include "tests/storage/gcs_bucket.h"

#include <fmt/format.h>

#include <ctime>

#include "worker/base/hash.h"
#include "worker/storage/base64.h"

namespace podium {

using nlohmann::json;

namespace {

constexpr size_t kMostPage = 1000, kMostSources = 32;

std::string crc_text(uint32_t crc) { return base64_of_crc32c(crc); }

GcsAnswer not_found(const std::string& what) { return error_answer(404, "notFound", "No such object: " + what); }

std::string time_text(int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  char text[32];
  std::tm parts{};
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", ::gmtime_r(&time, &parts))};
}

// "bytes=A-B" or "bytes=A-": [begin, end). nullopt: there is none.
std::optional<std::pair<uint64_t, uint64_t>> range_of(const std::string& header, uint64_t size) {
  if (!header.starts_with("bytes=")) return std::nullopt;
  const size_t dash = header.find('-');
  const uint64_t begin = std::stoull(header.substr(6));
  const uint64_t end = dash + 1 < header.size() ? std::stoull(header.substr(dash + 1)) + 1 : size;
  return std::pair(begin, std::min(end, size));
}

}  // namespace

GcsAnswer GcsBucket::answer(const GcsRequest& request) {
  const std::lock_guard lock(mutex_);
  if (request.is_below({"upload", "storage", "v1", "b", name_, "o"})) return upload(request);
  const size_t skipped = request.is_below({"download"}) ? 1 : 0;
  const std::vector<std::string> path(request.path.begin() + static_cast<ptrdiff_t>(skipped), request.path.end());
  if (path.size() < 5 || path[2] != "b" || path[4] != "o") return error_answer(404, "notFound", "Not Found");
  if (path[3] != name_) return error_answer(404, "notFound", "The specified bucket does not exist.");
  if (path.size() == 5) return list(request);
  if (path.size() == 7 && path[6] == "compose" && request.method == "POST") return compose(request, path[5]);
  if (request.method == "DELETE") return remove(path[5]);
  return read(request, path[5]);
}

GcsAnswer GcsBucket::create(const std::string& name, const json& metadata, std::string&& content,
                            const std::string& if_generation, std::optional<uint32_t> composed_crc) {
  const uint32_t crc = composed_crc ? *composed_crc : crc32c(content.data(), content.size());
  if (const std::string given = metadata.value("crc32c", crc_text(crc)); given != crc_text(crc))
    return error_answer(
        400, "invalid",
        fmt::format("Provided CRC32C \"{}\" doesn't match calculated CRC32C \"{}\".", given, crc_text(crc)));
  const auto found = objects_.find(name);
  const int64_t generation = found == objects_.end() ? 0 : found->second.generation;
  if (!if_generation.empty() && std::stoll(if_generation) != generation)
    return error_answer(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
  if (generation != 0) ++overwritten_;
  objects_[name] = {std::move(content), crc,
                    ++generation_,      metadata.value("metadata", json::object()),
                    unix_seconds_(),    composed_crc.has_value()};
  return json_answer(description(name, objects_[name]));
}

json GcsBucket::description(const std::string& name, const GcsObject& object) const {
  json described = {{"kind", "storage#object"},
                    {"bucket", name_},
                    {"name", name},
                    {"size", std::to_string(object.content.size())},
                    {"generation", std::to_string(object.generation)},
                    {"timeCreated", time_text(object.created)},
                    {"crc32c", crc_text(object.crc32c)}};
  if (!object.metadata.empty()) described["metadata"] = object.metadata;
  if (!object.is_composed) described["md5Hash"] = "1B2M2Y8AsgTpgAmY7PhCfg==";  // as if; nobody here looks
  return described;
}

GcsAnswer GcsBucket::read(const GcsRequest& request, const std::string& name) {
  const auto found = objects_.find(name);
  if (found == objects_.end()) return not_found(name_ + "/" + name);
  const GcsObject& object = found->second;
  const std::string pinned = request.parameter("generation");
  if (!pinned.empty() && std::stoll(pinned) != object.generation) return not_found(name + "#" + pinned);
  if (request.parameter("alt") != "media") return json_answer(description(name, object));
  GcsAnswer answer{200, "", {"Content-Type: application/octet-stream"}};
  const auto range = range_of(request.header("range"), object.content.size());
  if (!range) answer.body = object.content;
  if (range) {
    if (range->first >= object.content.size())
      return error_answer(416, "requestedRangeNotSatisfiable", "Request range not satisfiable");
    answer.status = 206;
    answer.body = object.content.substr(range->first, range->second - range->first);
    answer.headers.push_back(
        fmt::format("Content-Range: bytes {}-{}/{}", range->first, range->second - 1, object.content.size()));
  }
  answer.headers.push_back(fmt::format("x-goog-generation: {}", object.generation));
  answer.headers.push_back("x-goog-hash: crc32c=" + crc_text(object.crc32c));
  if (!object.is_composed) answer.headers.push_back("x-goog-hash: md5=1B2M2Y8AsgTpgAmY7PhCfg==");
  return answer;
}

GcsAnswer GcsBucket::list(const GcsRequest& request) {
  const std::string prefix = request.parameter("prefix"), delimiter = request.parameter("delimiter");
  const std::string token = request.parameter("pageToken"), most_text = request.parameter("maxResults");
  const size_t most = most_text.empty() ? kMostPage : std::min<size_t>(std::stoul(most_text), kMostPage);
  json items = json::array(), folders = json::array();
  std::string last;
  bool is_cut = false;
  for (const auto& [name, object] : objects_) {
    if (!name.starts_with(prefix) || (!token.empty() && name <= token)) continue;
    if (items.size() + folders.size() >= most) {
      is_cut = true;
      break;
    }
    last = name;
    const size_t end = delimiter.empty() ? std::string::npos : name.find(delimiter, prefix.size());
    if (end == std::string::npos) {
      items.push_back(description(name, object));
    } else if (const std::string folder = name.substr(0, end + 1); folders.empty() || folders.back() != folder) {
      folders.push_back(folder);
    }
  }
  json page = {{"kind", "storage#objects"}};
  if (!items.empty()) page["items"] = items;
  if (!folders.empty()) page["prefixes"] = folders;
  if (is_cut) page["nextPageToken"] = last;
  return json_answer(page);
}

GcsAnswer GcsBucket::compose(const GcsRequest& request, const std::string& name) {
  const json body = json::parse(request.body);
  const json& sources = body.at("sourceObjects");
  if (sources.size() > kMostSources)
    return error_answer(400, "invalid", "The number of source components provided (33) exceeds the maximum (32)");
  std::vector<const GcsObject*> parts;
  size_t size = 0;
  for (const json& source : sources) {
    const auto found = objects_.find(source.at("name").get<std::string>());
    if (found == objects_.end()) return not_found(source.at("name"));
    parts.push_back(&found->second);
    size += found->second.content.size();
  }
  std::string content;
  content.reserve(size);
  uint32_t crc = 0;
  for (const GcsObject* part : parts) {
    content += part->content;
    crc = crc32c_combined(crc, part->crc32c, part->content.size());
  }
  return create(name, body.value("destination", json::object()), std::move(content),
                request.parameter("ifGenerationMatch"), crc);
}

GcsAnswer GcsBucket::remove(const std::string& name) {
  if (objects_.erase(name) == 0) return not_found(name_ + "/" + name);
  return {204, "", {}};
}

std::map<std::string, GcsObject> GcsBucket::objects() const {
  const std::lock_guard lock(mutex_);
  return objects_;
}

std::optional<std::string> GcsBucket::content(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(name);
  return found == objects_.end() ? std::nullopt : std::optional(found->second.content);
}

void GcsBucket::put(const std::string& name, const std::string& content) {
  const std::lock_guard lock(mutex_);
  objects_.erase(name);
  create(name, json::object(), std::string(content), "");
}

void GcsBucket::make_older(const std::string& name, int64_t seconds) {
  const std::lock_guard lock(mutex_);
  objects_.at(name).created -= seconds;
}

size_t GcsBucket::open_sessions() const {
  const std::lock_guard lock(mutex_);
  size_t open = 0;
  for (const auto& [id, session] : sessions_) open += !session.is_done && session.gone == 0 ? 1 : 0;
  return open;
}

size_t GcsBucket::largest_part() const {
  const std::lock_guard lock(mutex_);
  return largest_part_;
}

int GcsBucket::overwritten() const {
  const std::lock_guard lock(mutex_);
  return overwritten_;
}

void GcsBucket::expire_sessions(int status) {
  const std::lock_guard lock(mutex_);
  for (auto& [id, session] : sessions_)
    if (!session.is_done && session.gone == 0) session.gone = status;
}

}  // namespace podium
