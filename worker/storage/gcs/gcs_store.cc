#include "worker/storage/gcs/gcs_store.h"

#include <algorithm>

#include "worker/storage/gcs/gcs_object.h"
#include "worker/storage/gcs/gcs_read.h"
#include "worker/storage/gcs/gcs_upload.h"

namespace podium {
namespace {

constexpr GcsAction kCreate{"created", "storage.objects.create", "roles/storage.objectCreator"};
constexpr GcsAction kRead{"read", "storage.objects.get", "roles/storage.objectViewer"};
constexpr GcsAction kList{"listed", "storage.objects.list", "roles/storage.objectViewer"};
constexpr GcsAction kRemove{"removed", "storage.objects.delete", "roles/storage.objectUser"};

constexpr int kMostPages = 10'000;
constexpr uint64_t kLargestPage = 16 << 20, kBlock = 256 << 10;

GcsOptions checked(GcsOptions options) {
  PODIUM_CHECK(options.chunk_bytes > 0 && options.chunk_bytes % kBlock == 0, "{} bytes", options.chunk_bytes);
  return options;
}

}  // namespace

GcsStore::GcsStore(GcsPlace place, GcsOptions options, const Environment& environment)
    : options_(checked(std::move(options))),
      client_(options_.http),
      credentials_(options_.is_anonymous
                       ? nullptr
                       : find_credentials(options_.key_file, environment, client_, options_.timing, options_.retry)),
      calls_(client_, credentials_.get(), std::move(place), options_) {}

std::optional<ObjectInfo> GcsStore::create_if_absent(const std::string& name, const ObjectSource& content) {
  check_object_name(name);
  return calls_.explained(kCreate, name, [&] { return GcsUpload(calls_, name, content).run(); });
}

bool GcsStore::read(const std::string& name, ByteRange range, const ByteSink& sink) {
  check_object_name(name);
  if (range.size_bytes == 0) return stat(name).has_value();
  return calls_.explained(kRead, name, [&] { return GcsRead(calls_, name, range, sink).run(); });
}

std::vector<std::string> GcsStore::list(const std::string& prefix) {
  const std::string folder = calls_.place().object("") + (calls_.place().folder.empty() ? "" : "/");
  const std::string url = calls_.object_url("") + "?prefix=" + percent_encoded(folder + prefix) +
                          "&maxResults=1000&fields=nextPageToken,items(name)";
  return calls_.explained(kList, prefix, [&] {
    std::vector<std::string> names;
    Retry retry = calls_.retry();
    GcsPage page;
    for (int i = 0; i == 0 || !page.next.empty(); ++i) {
      if (i == kMostPages) throw HttpFailure(fmt::format("more than {} pages of objects", kMostPages), false);
      const std::string token = i == 0 ? "" : "&pageToken=" + percent_encoded(page.next);
      page = retried(retry, [&] {
        return parse_gcs_page(calls_.attempt({.url = url + token, .kept_bytes = kLargestPage}, {200}));
      });
      retry.progressed();
      for (const std::string& object : page.names)
        if (object.starts_with(folder) && is_object_name(object.substr(folder.size())))
          names.push_back(object.substr(folder.size()));
    }
    std::sort(names.begin(), names.end());
    return names;
  });
}

std::optional<ObjectInfo> GcsStore::stat(const std::string& name) {
  check_object_name(name);
  return calls_.explained(kRead, name, [&]() -> std::optional<ObjectInfo> {
    Retry retry = calls_.retry();
    return retried(retry, [&]() -> std::optional<ObjectInfo> {
      const HttpReply reply = calls_.attempt({.url = calls_.object_url(name)}, {200, 404});
      if (reply.status == 404) return std::nullopt;
      return parse_gcs_object(reply).info;
    });
  });
}

bool GcsStore::remove(const std::string& name) {
  check_object_name(name);
  return calls_.explained(kRemove, name, [&] {
    Retry retry = calls_.retry();
    const int status = retried(retry, [&] {
      const HttpReply reply = calls_.attempt({.method = "DELETE", .url = calls_.object_url(name)}, {200, 204, 404});
      if (reply.status == 200 && !reply.body.empty()) throw malformed_failure("the answer is a page of a proxy");
      return reply.status;
    });
    // Gone after a failure: one of our attempts has removed it, and its reply was lost.
    return status != 404 || retry.failures() > 0;
  });
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
