#include "worker/storage/gcs/gcs_store.h"

#include <algorithm>

#include "worker/storage/gcs/gcs_composite.h"
#include "worker/storage/gcs/gcs_objects.h"
#include "worker/storage/gcs/gcs_ranges.h"
#include "worker/storage/gcs/gcs_upload.h"

namespace podium {
namespace {

constexpr GcsAction kCreate{"created", "storage.objects.create", "roles/storage.objectCreator"};
constexpr GcsAction kRead{"read", "storage.objects.get", "roles/storage.objectViewer"};
constexpr GcsAction kList{"listed", "storage.objects.list", "roles/storage.objectViewer"};
constexpr GcsAction kRemove{"removed", "storage.objects.delete", "roles/storage.objectUser"};

constexpr uint64_t kBlock = 256 << 10;

GcsOptions checked(GcsOptions options) {
  PODIUM_CHECK(options.chunk_bytes > 0 && options.chunk_bytes % kBlock == 0, "{} bytes", options.chunk_bytes);
  PODIUM_CHECK(options.streams > 0 && options.part_bytes > 0 && options.piece_bytes > 0, "{} streams", options.streams);
  return options;
}

}  // namespace

GcsStore::GcsStore(GcsPlace place, GcsOptions options, const Environment& environment)
    : options_(checked(std::move(options))),
      client_(options_.http),
      credentials_(options_.is_anonymous
                       ? nullptr
                       : find_credentials(options_.key_file, environment, client_, options_.timing, options_.retry)),
      calls_(client_, credentials_.get(), std::move(place), options_),
      parts_(calls_) {}

std::optional<ObjectInfo> GcsStore::create_if_absent(const std::string& name, const ObjectSource& content) {
  check_object_name(name);
  return calls_.explained(kCreate, name, [&] {
    const bool is_large = content.size_bytes() / 2 >= options_.part_bytes;
    return is_large && parts_.are_wanted() ? GcsComposite(calls_, parts_, name, content).run()
                                           : GcsUpload(calls_, name, content).run();
  });
}

bool GcsStore::read(const std::string& name, ByteRange range, const ByteSink& sink) {
  check_object_name(name);
  if (range.size_bytes == 0) return stat(name).has_value();
  return calls_.explained(kRead, name, [&] { return GcsRanges(calls_, name, range, sink).run(); });
}

std::vector<std::string> GcsStore::list(const std::string& prefix) {
  return calls_.explained(kList, prefix, [&] {
    std::vector<std::string> names;
    list_objects(calls_, prefix, [&](const GcsListed& object) {
      if (is_object_name(object.name)) names.push_back(object.name);
    });
    std::sort(names.begin(), names.end());
    return names;
  });
}

std::optional<ObjectInfo> GcsStore::stat(const std::string& name) {
  check_object_name(name);
  return calls_.explained(kRead, name, [&]() -> std::optional<ObjectInfo> {
    Retry retry = calls_.retry();
    const std::optional<GcsObjectInfo> found = find_object(calls_, name, retry);
    return found ? std::optional(found->info) : std::nullopt;
  });
}

bool GcsStore::remove(const std::string& name) {
  check_object_name(name);
  return calls_.explained(kRemove, name, [&] { return remove_object(calls_, name); });
}

GcsOptions gcs_options(const Environment& environment) {
  GcsOptions options;
  std::string host = environment("STORAGE_EMULATOR_HOST");
  if (host.empty()) host = environment("CLOUD_STORAGE_EMULATOR_ENDPOINT");
  if (host.empty()) return options;
  while (host.ends_with('/')) host.pop_back();
  options.endpoint = host.starts_with("http://") || host.starts_with("https://") ? host : "http://" + host;
  options.is_anonymous = true;
  return options;
}

}  // namespace podium
