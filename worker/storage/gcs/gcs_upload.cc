#include "worker/storage/gcs/gcs_upload.h"

#include <nlohmann/json.hpp>

#include "worker/base/hash.h"
#include "worker/storage/base64.h"
#include "worker/storage/gcs/gcs_objects.h"

namespace podium {
namespace {

constexpr int kMostSessions = 10;

HttpBody body_of(const ObjectSource& content, uint64_t begin, uint64_t size) {
  return {size, [&content, begin](uint64_t offset, std::span<char> buffer) { content.read(begin + offset, buffer); }};
}

// `head`, the content, `tail`.
HttpBody framed_body(std::string head, const ObjectSource& content, std::string tail) {
  const uint64_t size = head.size() + content.size_bytes() + tail.size();
  return {size, [head = std::move(head), tail = std::move(tail), &content](uint64_t offset, std::span<char> buffer) {
            const uint64_t content_end = head.size() + content.size_bytes();
            while (!buffer.empty()) {
              size_t count = 0;
              if (offset < head.size()) {
                count = head.copy(buffer.data(), buffer.size(), offset);
              } else if (offset < content_end) {
                count = std::min<uint64_t>(buffer.size(), content_end - offset);
                content.read(offset - head.size(), buffer.first(count));
              } else {
                count = tail.copy(buffer.data(), buffer.size(), offset - content_end);
              }
              offset += count;
              buffer = buffer.subspan(count);
            }
          }};
}

}  // namespace

std::string random_upload_id(const Timing& timing) {
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", static_cast<uint32_t>(timing.chance() * 0x1p32));
  return id;
}

nlohmann::json upload_metadata(const ObjectInfo& info, const std::string& upload_id) {
  return {{"contentType", "application/octet-stream"},
          {"crc32c", base64_of_crc32c(info.crc32c)},
          {"metadata", {{kUploadIdKey, upload_id}}}};
}

std::optional<ObjectInfo> if_ours(const GcsObjectInfo& found, const ObjectInfo& sent, const std::string& upload_id) {
  return found.upload_id == upload_id && found.info == sent ? std::optional(sent) : std::nullopt;
}

ObjectInfo check_stored(const GcsObjectInfo& stored, const ObjectInfo& sent) {
  if (stored.info != sent)
    throw HttpFailure(fmt::format("stored with {} bytes, CRC32C {:08x}; sent were {}, {:08x}", stored.info.size_bytes,
                                  stored.info.crc32c, sent.size_bytes, sent.crc32c),
                      false);
  return stored.info;
}

GcsUpload::GcsUpload(const GcsCalls& calls, const std::string& name, const ObjectSource& content)
    : calls_(calls),
      name_(name),
      content_(content),
      id_(random_upload_id(calls.options().timing)),
      retry_(calls.retry()) {
  content.stream([this](std::string_view bytes) {
    info_.crc32c = crc32c(bytes.data(), bytes.size(), info_.crc32c);
    info_.size_bytes += bytes.size();
  });
}

std::optional<ObjectInfo> GcsUpload::run() {
  const GcsCalls::Stream stream = calls_.stream();
  return info_.size_bytes <= calls_.options().one_request_bytes ? in_one_request() : in_sessions();
}

std::string GcsUpload::metadata() const {
  nlohmann::json metadata = upload_metadata(info_, id_);
  metadata["name"] = calls_.place().object(name_);
  return metadata.dump();
}

std::optional<ObjectInfo> GcsUpload::in_one_request() {
  const std::string line = "--" + id_ + "\r\n";
  const std::string head = line + "Content-Type: application/json; charset=UTF-8\r\n\r\n" + metadata() + "\r\n" + line +
                           "Content-Type: application/octet-stream\r\n\r\n";
  return retried(retry_, [&]() -> std::optional<ObjectInfo> {
    const HttpReply reply = calls_.attempt({.method = "POST",
                                            .url = calls_.upload_url("multipart", name_),
                                            .headers = {"Content-Type: multipart/related; boundary=" + id_},
                                            .body = framed_body(head, content_, "\r\n--" + id_ + "--\r\n")},
                                           {200, 412});
    if (reply.status == 200) return check_stored(parse_gcs_object(reply), info_);
    const std::optional<GcsObjectInfo> found = find();
    if (!found) throw HttpFailure("the object that was there is gone", true);
    return if_ours(*found, info_, id_);
  });
}

std::optional<GcsObjectInfo> GcsUpload::find() { return find_object(calls_, name_, retry_); }

std::optional<ObjectInfo> GcsUpload::in_sessions() {
  // The service itself looks only behind the last byte.
  if (find()) return std::nullopt;
  for (int i = 0; i < kMostSessions; ++i) {
    const std::string session = retried(retry_, [&] { return begin_session(); });
    Step::Kind end;
    try {
      end = send_all(session);
    } catch (...) {
      cancel(session);
      throw;
    }
    if (end == Step::Kind::kFinished) return info_;
    // Taken by another, or lost, perhaps after the last byte.
    const std::optional<GcsObjectInfo> found = find();
    if (end == Step::Kind::kTaken) cancel(session);
    if (found) return if_ours(*found, info_, id_);
    retry_.wait_after(HttpFailure("the service has forgotten the upload", true));
  }
  throw HttpFailure(fmt::format("the service has forgotten the upload {} times", kMostSessions), false);
}

std::string GcsUpload::begin_session() {
  const HttpReply reply = calls_.attempt(
      {.method = "POST",
       .url = calls_.upload_url("resumable", name_),
       .headers = {"Content-Type: application/json; charset=UTF-8", "X-Upload-Content-Type: application/octet-stream",
                   fmt::format("X-Upload-Content-Length: {}", info_.size_bytes)},
       .body = text_body(metadata())},
      {200, 201});
  const std::string& session = reply.header("location");
  // Nothing goes out in clear because of an answer.
  const bool may_be_clear = calls_.options().endpoint.starts_with("http://");
  if (!session.starts_with("https://") && !(may_be_clear && session.starts_with("http://")))
    throw malformed_failure("the answer to a new upload names no session");
  return session;
}

GcsUpload::Step::Kind GcsUpload::send_all(const std::string& session) {
  Step step{Step::Kind::kStored};
  bool is_known = true;  // what the service has
  while (true) {
    try {
      const Step next = is_known ? send_chunk(session, step.stored) : ask(session);
      if (next.kind != Step::Kind::kStored) return next.kind;
      if (next.stored < step.stored)
        throw HttpFailure(fmt::format("the service had {} bytes of the upload, and has {}", step.stored, next.stored),
                          false);
      if (next.stored > step.stored) {
        retry_.progressed();
      } else if (is_known && step.stored < info_.size_bytes) {
        throw malformed_failure("the service has stored nothing of a chunk");
      }
      step = next;
      is_known = true;
    } catch (const HttpFailure& failure) {
      retry_.wait_after(failure);
      is_known = false;  // the service may have taken it all the same
    }
  }
}

GcsUpload::Step GcsUpload::send_chunk(const std::string& session, uint64_t begin) {
  const uint64_t size = std::min(calls_.options().chunk_bytes, info_.size_bytes - begin), end = begin + size;
  const std::string total = end == info_.size_bytes ? std::to_string(end) : "*";
  const std::string range =
      size == 0 ? fmt::format("bytes */{}", total) : fmt::format("bytes {}-{}/{}", begin, end - 1, total);
  const HttpReply reply =
      calls_.attempt({.method = "PUT",
                      .url = session,
                      .headers = {"Content-Type: application/octet-stream", "Content-Range: " + range},
                      .body = body_of(content_, begin, size)},
                     {200, 201, 308, 404, 410, 412});
  return step_of(reply, begin, end);
}

GcsUpload::Step GcsUpload::ask(const std::string& session) const {
  const HttpReply reply =
      calls_.attempt({.method = "PUT",
                      .url = session,
                      .headers = {"Content-Type: application/octet-stream", "Content-Range: bytes */*"}},
                     {200, 201, 308, 404, 410, 412});
  return step_of(reply, 0, info_.size_bytes);
}

GcsUpload::Step GcsUpload::step_of(const HttpReply& reply, uint64_t lowest, uint64_t highest) const {
  if (reply.status == 404 || reply.status == 410) return {Step::Kind::kLost};
  if (reply.status == 412) return {Step::Kind::kTaken};
  if (reply.status != 308) {
    check_stored(parse_gcs_object(reply), info_);
    return {Step::Kind::kFinished};
  }
  const std::optional<uint64_t> stored = stored_bytes_of_range_header(reply.header("range"));
  if (!stored) throw malformed_failure("the answer to a chunk names no range of bytes");
  const Step step{Step::Kind::kStored, *stored};
  if (step.stored < lowest || step.stored > highest)
    throw HttpFailure(fmt::format("the service says that it has {} bytes, between {} and {} are possible", step.stored,
                                  lowest, highest),
                      false);
  return step;
}

// So that the service need not keep it for a week. Nobody waits for long, and nothing is said: there is an error
// already.
void GcsUpload::cancel(const std::string& session) const {
  try {
    calls_.attempt({.method = "DELETE", .url = session, .timeout = std::chrono::seconds(5)}, {204, 499});
  } catch (const Error&) {
  }
}

}  // namespace podium
