#include "worker/storage/credentials/metadata_server.h"

namespace podium {
namespace {

constexpr std::chrono::seconds kTimeout{10}, kFirstPatience{60};

}  // namespace

MetadataServer::MetadataServer(HttpClient& client, const Timing& timing, const std::string& host)
    : client_(client),
      timing_(timing),
      url_("http://" + host + "/computeMetadata/v1/instance/service-accounts/default/") {}

HttpReply MetadataServer::ask(const std::string& what) {
  return client_.perform(
      {.url = url_ + what, .headers = {"Metadata-Flavor: Google"}, .timeout = kTimeout, .may_use_proxy = false});
}

AccessToken MetadataServer::fetch() {
  AccessToken token = parse_token(ask("token"), timing_.unix_seconds());
  has_answered_ = true;
  return token;
}

std::string MetadataServer::account() {
  try {
    if (const HttpReply reply = ask("email"); reply.status == 200) return message_of_body(reply.body);
  } catch (const HttpFailure&) {
  }
  return "the machine's service account";
}

std::chrono::milliseconds MetadataServer::patience() const {
  return has_answered_ ? RetryRules().total : kFirstPatience;
}

}  // namespace podium
