#include "worker/storage/gcs/gcs_calls.h"

#include <algorithm>

namespace podium {
namespace {

constexpr std::string_view kSessionKey = "upload_id=";

// A session's name is all that is needed to write to it.
std::string session_of(const std::string& url) {
  const size_t at = url.find(kSessionKey);
  if (at == std::string::npos) return "";
  const std::string rest = url.substr(at + kSessionKey.size());
  return rest.substr(0, rest.find('&'));
}

}  // namespace

GcsCalls::GcsCalls(HttpClient& client, Credentials* credentials, GcsPlace place, const GcsOptions& options)
    : client_(client),
      credentials_(credentials),
      place_(std::move(place)),
      options_(options),
      streams_(options.streams) {}

HttpReply GcsCalls::attempt(HttpRequest request, std::initializer_list<int> expected) const {
  const std::vector<std::string> headers = request.headers;
  for (bool renewed = false;; renewed = true) {
    const std::string token = credentials_ == nullptr ? "" : credentials_->token();
    request.headers = headers;
    if (!token.empty()) request.headers.push_back("Authorization: Bearer " + token);
    HttpReply reply = client_.perform(request);
    if (std::find(expected.begin(), expected.end(), reply.status) != expected.end()) return reply;
    if (reply.status == 401 && !token.empty()) credentials_->refused(token);
    if (reply.status == 401 && !token.empty() && !renewed) continue;
    hide(reply.body, token);
    hide(reply.body, session_of(request.url));
    throw status_failure(reply);
  }
}

std::string GcsCalls::object_url(const std::string& name) const {
  return options_.endpoint + "/storage/v1/b/" + place_.bucket + "/o" +
         (name.empty() ? "" : "/" + percent_encoded(place_.object(name)));
}

std::string GcsCalls::media_url(const std::string& name) const {
  return options_.endpoint + "/download/storage/v1/b/" + place_.bucket + "/o/" + percent_encoded(place_.object(name)) +
         "?alt=media";
}

std::string GcsCalls::upload_url(const std::string& type, const std::string& name) const {
  return options_.endpoint + "/upload/storage/v1/b/" + place_.bucket + "/o?uploadType=" + type +
         "&name=" + percent_encoded(place_.object(name)) + "&ifGenerationMatch=0";
}

std::string GcsCalls::compose_url(const std::string& name) const {
  return object_url(name) + "/compose?ifGenerationMatch=0";
}

std::string GcsCalls::permissions_url(const std::string& permission) const {
  return options_.endpoint + "/storage/v1/b/" + place_.bucket + "/iam/testPermissions?permissions=" + permission;
}

std::string GcsCalls::explanation(const GcsAction& action, const std::string& name, const HttpFailure& failure) const {
  std::string text = fmt::format("{} could not be {}: {}", place_.text(name), action.verb, failure.what());
  if (credentials_ != nullptr && failure.status == 401)
    text += fmt::format("; the credentials of {} are not accepted (found by {})", credentials_->account(),
                        credentials_->origin());
  if (credentials_ != nullptr && failure.status == 403)
    text += fmt::format(
        "; {} (found by {}) needs {} on gs://{}: gcloud storage buckets add-iam-policy-binding gs://{} --member={} "
        "--role={}",
        credentials_->account(), credentials_->origin(), action.permission, place_.bucket, place_.bucket,
        credentials_->member(), action.role);
  if (failure.status == 404)
    text += fmt::format("; is there a bucket of that name? gcloud storage buckets create gs://{}", place_.bucket);
  return text;
}

}  // namespace podium
