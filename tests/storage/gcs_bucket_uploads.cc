// The uploads of the test server's bucket: in one request, and in sessions.
#include <fmt/format.h>

#include "tests/storage/gcs_bucket.h"

namespace podium {

using nlohmann::json;

namespace {

constexpr size_t kBlock = 256 << 10, kMostReserved = size_t{2} << 30;

// "bytes A-B/N", "bytes A-B/*", "bytes */N", "bytes */*".
struct ContentRange {
  std::optional<uint64_t> begin, total;
  uint64_t end = 0;  // behind the last byte
};

std::optional<ContentRange> content_range(const std::string& header) {
  const size_t slash = header.find('/');
  if (!header.starts_with("bytes ") || slash == std::string::npos) return std::nullopt;
  ContentRange range;
  if (header[6] != '*') {
    range.begin = std::stoull(header.substr(6));
    range.end = std::stoull(header.substr(header.find('-') + 1)) + 1;
  }
  if (header[slash + 1] != '*') range.total = std::stoull(header.substr(slash + 1));
  return range;
}

// The two parts of multipart/related.
std::optional<std::pair<std::string, std::string>> parts_of(const std::string& type, const std::string& body) {
  const size_t at = type.find("boundary=");
  if (!type.starts_with("multipart/related") || at == std::string::npos) return std::nullopt;
  std::string boundary = type.substr(at + 9);
  if (boundary.starts_with('"')) boundary = boundary.substr(1, boundary.size() - 2);
  const std::string line = "--" + boundary + "\r\n", next = "\r\n--" + boundary;
  const std::string end = next + "--";
  const size_t second = body.find(next + "\r\n"), last = body.rfind(end);
  if (!body.starts_with(line) || second == std::string::npos || last == std::string::npos) return std::nullopt;
  auto content = [](const std::string& part) { return part.substr(part.find("\r\n\r\n") + 4); };
  const size_t begin = second + next.size() + 2;
  return std::pair(content(body.substr(line.size(), second - line.size())), content(body.substr(begin, last - begin)));
}

}  // namespace

GcsAnswer GcsBucket::upload(const GcsRequest& request) {
  largest_part_ = std::max(largest_part_, request.body.size());
  if (request.header("content-type").find("x-www-form-urlencoded") != std::string::npos)
    return error_answer(400, "badContent", "Unsupported content with type: application/x-www-form-urlencoded");
  if (request.is_upload_part()) return continue_session(request);
  const std::string type = request.parameter("uploadType"), name = request.parameter("name");
  if (type == "media")
    return create(name, json::object(), std::string(request.body), request.parameter("ifGenerationMatch"));
  if (type == "multipart") return upload_multipart(request);
  if (type != "resumable") return error_answer(400, "invalid", "Invalid uploadType");
  return begin_session(request, request.body.empty() ? json::object() : json::parse(request.body));
}

GcsAnswer GcsBucket::upload_multipart(const GcsRequest& request) {
  const auto parts = parts_of(request.header("content-type"), request.body);
  if (!parts) return error_answer(400, "badRequest", "Missing end boundary in multipart body.");
  const json metadata = json::parse(parts->first);
  return create(metadata.value("name", request.parameter("name")), metadata, std::string(parts->second),
                request.parameter("ifGenerationMatch"));
}

GcsAnswer GcsBucket::begin_session(const GcsRequest& request, const json& metadata) {
  const std::string id = fmt::format("secret-session-{}", next_session_++);
  sessions_[id] = {metadata.value("name", request.parameter("name")), request.parameter("ifGenerationMatch"), metadata,
                   ""};
  if (const std::string size = request.header("x-upload-content-length"); !size.empty())
    sessions_[id].content.reserve(std::min<size_t>(std::stoull(size), kMostReserved));
  const std::string place = fmt::format("{}://{}/upload/storage/v1/b/{}/o?uploadType=resumable&upload_id={}",
                                        request.header("x-test-scheme"), request.header("host"), name_, id);
  return {200, "", {"Location: " + place}};
}

GcsAnswer GcsBucket::continue_session(const GcsRequest& request) {
  const auto found = sessions_.find(request.parameter("upload_id"));
  if (found == sessions_.end()) return error_answer(404, "notFound", "no such session");
  Session& session = found->second;
  if (session.gone != 0) return error_answer(session.gone, "gone", "the session is gone");
  if (request.method == "DELETE") {
    session.gone = 404;
    return {499, "", {}};
  }
  if (session.is_done) {
    const auto object = objects_.find(session.object);
    return object == objects_.end() ? error_answer(410, "gone", "gone")
                                    : json_answer(description(session.object, object->second));
  }
  return take_part(session, request);
}

GcsAnswer GcsBucket::take_part(Session& session, const GcsRequest& request) {
  const auto range = content_range(request.header("content-range"));
  if (!range) return error_answer(400, "invalid", "Failed to parse Content-Range header.");
  if (!range->begin) {
    const bool is_end = range->total && *range->total == session.content.size();
    return is_end ? finish_session(session) : stored_so_far(session);
  }
  const uint64_t size = range->end - *range->begin, stored = session.content.size();
  if (size != request.body.size()) return error_answer(400, "invalid", "Content-Range does not match the body");
  if (!range->total && size % kBlock != 0)
    return error_answer(400, "badRequest", "a part must be a multiple of 262144 bytes");
  if (*range->begin > stored || range->end < stored) return error_answer(400, "invalid", "a hole in the upload");
  session.content.append(request.body, stored - *range->begin, std::string::npos);
  const bool is_end = range->total && *range->total == session.content.size();
  return is_end ? finish_session(session) : stored_so_far(session);
}

void GcsBucket::keep_part(const GcsRequest& request) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(request.parameter("upload_id"));
  const auto range = content_range(request.header("content-range"));
  if (found == sessions_.end() || !range || !range->begin) return;
  std::string& content = found->second.content;
  if (found->second.is_done || *range->begin > content.size()) return;
  const size_t end = (*range->begin + request.body.size()) / kBlock * kBlock;
  if (end > content.size()) content += request.body.substr(content.size() - *range->begin, end - content.size());
}

GcsAnswer GcsBucket::finish_session(Session& session) {
  GcsAnswer answer = create(session.object, session.metadata, std::move(session.content), session.if_generation);
  session.is_done = answer.status == 200;
  if (!session.is_done) session.gone = answer.status == 400 ? 410 : 0;
  return answer;
}

GcsAnswer GcsBucket::stored_so_far(const Session& session) const {
  GcsAnswer answer{308, "", {}};
  if (!session.content.empty()) answer.headers.push_back(fmt::format("Range: bytes=0-{}", session.content.size() - 1));
  return answer;
}

}  // namespace podium
