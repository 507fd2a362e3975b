#include "worker/storage/gcs/gcs_objects.h"

namespace podium {
namespace {

constexpr int kMostPages = 10'000;
constexpr uint64_t kLargestPage = 16 << 20;

}  // namespace

std::optional<GcsObjectInfo> find_object(const GcsCalls& calls, const std::string& name, Retry& retry) {
  return retried(retry, [&]() -> std::optional<GcsObjectInfo> {
    const HttpReply reply = calls.attempt({.url = calls.object_url(name)}, {200, 404});
    return reply.status == 404 ? std::nullopt : std::optional(parse_gcs_object(reply));
  });
}

void list_objects(const GcsCalls& calls, const std::string& prefix, const std::function<void(const GcsListed&)>& take) {
  const std::string folder = calls.place().object("") + (calls.place().folder.empty() ? "" : "/");
  const std::string url = calls.object_url("") + "?prefix=" + percent_encoded(folder + prefix) +
                          "&maxResults=1000&fields=nextPageToken,items(name,timeCreated)";
  Retry retry = calls.retry();
  GcsPage page;
  for (int i = 0; i == 0 || !page.next.empty(); ++i) {
    if (i == kMostPages) throw HttpFailure(fmt::format("more than {} pages of objects", kMostPages), false);
    const std::string token = i == 0 ? "" : "&pageToken=" + percent_encoded(page.next);
    page = retried(
        retry, [&] { return parse_gcs_page(calls.attempt({.url = url + token, .kept_bytes = kLargestPage}, {200})); });
    retry.progressed();
    for (const GcsListed& object : page.objects)
      if (object.name.starts_with(folder)) take({object.name.substr(folder.size()), object.created});
  }
}

bool remove_object(const GcsCalls& calls, const std::string& name) {
  Retry retry = calls.retry();
  const int status = retried(retry, [&] {
    const HttpReply reply = calls.attempt({.method = "DELETE", .url = calls.object_url(name)}, {200, 204, 404});
    if (reply.status == 200 && !reply.body.empty()) throw malformed_failure("the answer is a page of a proxy");
    return reply.status;
  });
  // Gone after a failure: one of our attempts has removed it, and its reply was lost.
  return status != 404 || retry.failures() > 0;
}

}  // namespace podium
