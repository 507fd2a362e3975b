#include "worker/storage/gcs/gcs_object.h"

#include <charconv>

#include "worker/json/strict_json.h"
#include "worker/storage/base64.h"

namespace podium {
namespace {

using nlohmann::json;

constexpr const char* kWhat = "the service's answer";

// Numbers of 64 bits are texts there.
uint64_t number_of(const json& object, const char* key) {
  const std::string& text = json_string(object, key, kWhat);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) throw Error("{}: {} is no number", kWhat, key);
  return number;
}

// What `parse` makes of the body; what it throws becomes an HttpFailure that may pass.
template <typename Parse>
auto parsed(const HttpReply& reply, Parse&& parse) {
  try {
    return parse(parse_strict_json(reply.body, kWhat));
  } catch (const std::exception& error) {
    throw malformed_failure(error.what());
  }
}

}  // namespace

GcsObjectInfo parse_gcs_object(const HttpReply& reply) {
  return parsed(reply, [](const json& object) {
    const std::optional<uint32_t> crc32c = crc32c_of_base64(json_string(object, "crc32c", kWhat));
    if (!crc32c) throw Error("{}: crc32c is none", kWhat);
    GcsObjectInfo found{{number_of(object, "size"), *crc32c}, std::to_string(number_of(object, "generation")), ""};
    if (!json_has(object, "metadata")) return found;
    const json& metadata = json_object(object, "metadata", kWhat);
    if (json_has(metadata, kUploadIdKey)) found.upload_id = json_string(metadata, kUploadIdKey, kWhat);
    return found;
  });
}

GcsPage parse_gcs_page(const HttpReply& reply) {
  return parsed(reply, [](const json& body) {
    GcsPage page;
    if (!body.is_object()) throw Error("{}: expected an object", kWhat);
    if (json_has(body, "nextPageToken")) page.next = json_string(body, "nextPageToken", kWhat);
    if (!json_has(body, "items")) return page;
    for (const json& item : json_array(body, "items", kWhat)) {
      const bool is_dated = item.is_object() && json_has(item, "timeCreated");
      page.objects.push_back(
          {json_string(item, "name", kWhat), is_dated ? json_string(item, "timeCreated", kWhat) : ""});
    }
    return page;
  });
}

std::vector<std::string> parse_gcs_permissions(const HttpReply& reply) {
  return parsed(reply, [](const json& body) {
    std::vector<std::string> permissions;
    if (!body.is_object()) throw Error("{}: expected an object", kWhat);
    if (!json_has(body, "permissions")) return permissions;
    for (const json& permission : json_array(body, "permissions", kWhat)) {
      if (!permission.is_string()) throw Error("{}: permissions: expected texts", kWhat);
      permissions.push_back(permission.get<std::string>());
    }
    return permissions;
  });
}

std::optional<uint64_t> stored_bytes_of_range_header(const std::string& header) {
  constexpr std::string_view kPrefix = "bytes=0-";
  if (header.empty()) return 0;
  if (!header.starts_with(kPrefix)) return std::nullopt;
  uint64_t last = 0;
  const char* const end = header.data() + header.size();
  const auto [rest, error] = std::from_chars(header.data() + kPrefix.size(), end, last);
  return error == std::errc() && rest == end && last < UINT64_MAX ? std::optional(last + 1) : std::nullopt;
}

std::optional<uint32_t> crc32c_of_hash_header(const std::string& header) {
  constexpr std::string_view kKey = "crc32c=";
  const size_t at = header.find(kKey);
  if (at == std::string::npos) return std::nullopt;
  return crc32c_of_base64(std::string_view(header).substr(at + kKey.size(), 8));
}

}  // namespace podium
