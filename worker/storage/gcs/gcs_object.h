// An object's description in the JSON API, and pages of them. Whatever arrives, nothing else than HttpFailure is
// thrown.
#pragma once

#include <string>
#include <vector>

#include "worker/storage/http/http_failure.h"
#include "worker/storage/object_store.h"

namespace podium {

struct GcsObjectInfo {
  ObjectInfo info;
  std::string generation;
  std::string upload_id;  // ours, in the object's own metadata; "" when it has none
};

// The member of an object's own metadata that says which upload made it: after a lost reply we know our own by it.
inline constexpr const char* kUploadIdKey = "podium-upload";

GcsObjectInfo parse_gcs_object(const HttpReply& reply);

struct GcsListed {
  std::string name;
  std::string created;  // "2026-11-21T16:04:17.619Z"; "": it was not asked for
};
struct GcsPage {
  std::vector<GcsListed> objects;
  std::string next;  // the token of the next page; "": it was the last
};
GcsPage parse_gcs_page(const HttpReply& reply);

// {"permissions": [...]}, which may be absent: what an account was found to have.
std::vector<std::string> parse_gcs_permissions(const HttpReply& reply);

// How many bytes, from the first on, a session has by the Range header of its 308: 20 of "bytes=0-19", 0 of "".
// nullopt: it says something else.
std::optional<uint64_t> stored_bytes_of_range_header(const std::string& header);

// The CRC32C in x-goog-hash: "crc32c=n03x6A==,md5=…".
std::optional<uint32_t> crc32c_of_hash_header(const std::string& header);

}  // namespace podium
