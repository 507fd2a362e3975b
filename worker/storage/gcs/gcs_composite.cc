#include "worker/storage/gcs/gcs_composite.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "worker/base/hash.h"
#include "worker/storage/at_once.h"
#include "worker/storage/base64.h"
#include "worker/storage/gcs/gcs_objects.h"
#include "worker/storage/gcs/gcs_upload.h"

namespace podium {
namespace {

constexpr uint64_t kMostParts = 32;  // that one request composes

}  // namespace

GcsComposite::GcsComposite(const GcsCalls& calls, GcsParts& parts, const std::string& name, const ObjectSource& content)
    : calls_(calls), parts_(parts), name_(name), content_(content), id_(random_upload_id(calls.options().timing)) {
  const uint64_t size = content.size_bytes();
  const uint64_t count = std::clamp<uint64_t>(size / calls.options().part_bytes, 1, kMostParts);
  for (uint64_t i = 0; i < count; ++i) {
    names_.push_back(GcsParts::name(id_, i));
    begins_.push_back(size / count * i);
  }
  begins_.push_back(size);
  crcs_.resize(count);
}

std::optional<ObjectInfo> GcsComposite::run() {
  // The service itself looks only when all is sent.
  Retry retry = calls_.retry();
  if (find_object(calls_, name_, retry)) return std::nullopt;
  std::optional<ObjectInfo> created;
  try {
    at_once(names_.size(), calls_.options().streams, [this](size_t i) { upload_part(i); });
    created = compose();
  } catch (...) {
    parts_.remove(names_);
    throw;
  }
  parts_.remove(names_);
  parts_.remove_abandoned();
  return created;
}

void GcsComposite::upload_part(size_t index) {
  const SliceSource part(content_, begins_[index], begins_[index + 1] - begins_[index]);
  const std::optional<ObjectInfo> stored = GcsUpload(calls_, names_[index], part).run();
  if (!stored) throw HttpFailure("another has made a part of that name", false);
  crcs_[index] = stored->crc32c;
}

std::string GcsComposite::request() const {
  nlohmann::json sources = nlohmann::json::array();
  for (const std::string& part : names_) sources.push_back({{"name", calls_.place().object(part)}});
  return nlohmann::json{{"sourceObjects", sources}, {"destination", upload_metadata(info_, id_)}}.dump();
}

std::optional<ObjectInfo> GcsComposite::compose() {
  for (size_t i = 0; i < crcs_.size(); ++i) {
    const uint64_t size = begins_[i + 1] - begins_[i];
    info_ = {info_.size_bytes + size, crc32c_combined(info_.crc32c, crcs_[i], size)};
  }
  Retry retry = calls_.retry();
  return retried(retry, [&]() -> std::optional<ObjectInfo> {
    const HttpReply reply = calls_.attempt({.method = "POST",
                                            .url = calls_.compose_url(name_),
                                            .headers = {"Content-Type: application/json; charset=UTF-8"},
                                            .body = text_body(request())},
                                           {200, 412});
    if (reply.status == 200) return check_stored(parse_gcs_object(reply), info_);
    const std::optional<GcsObjectInfo> found = find_object(calls_, name_, retry);
    if (!found) throw HttpFailure("the object that was there is gone", true);
    return if_ours(*found, info_, id_);
  });
}

}  // namespace podium
