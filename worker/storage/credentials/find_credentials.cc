#include "worker/storage/credentials/find_credentials.h"

#include <cstdlib>

#include "worker/base/file.h"
#include "worker/json/strict_json.h"
#include "worker/storage/credentials/authorized_user.h"
#include "worker/storage/credentials/external_account.h"
#include "worker/storage/credentials/metadata_server.h"
#include "worker/storage/credentials/service_account.h"

namespace podium {
namespace {

constexpr uint64_t kLargestFile = 64 << 10;

std::unique_ptr<TokenSource> open_file(const std::string& path, const std::string& what, HttpClient& client,
                                       const Timing& timing) {
  std::string text;
  try {
    text = read_file(path, kLargestFile);
  } catch (const Error& error) {
    throw Error("{}: {}", what, error.what());
  }
  const nlohmann::json json = parse_strict_json(text, what);
  const std::string& type = json_string(json, "type", what);
  if (type == "service_account") return std::make_unique<ServiceAccount>(client, timing, json, what);
  if (type == "authorized_user") return std::make_unique<AuthorizedUser>(client, timing, json, what);
  if (type == "external_account") return std::make_unique<ExternalAccount>(client, timing, json, what);
  throw Error("{}: type \"{}\", expected service_account, authorized_user or external_account", what, type);
}

// Where gcloud leaves a person's credentials; "" when nobody knows.
std::string gcloud_file(const Environment& environment) {
  const std::string folder = environment("CLOUDSDK_CONFIG"), home = environment("HOME");
  if (folder.empty() && home.empty()) return "";
  return (folder.empty() ? home + "/.config/gcloud" : folder) + "/application_default_credentials.json";
}

}  // namespace

Environment process_environment() {
  return [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
}

std::unique_ptr<Credentials> find_credentials(const std::string& key_file, const Environment& environment,
                                              HttpClient& client, const Timing& timing, const RetryRules& rules) {
  auto of_file = [&](const std::string& path, const std::string& what) {
    return std::make_unique<Credentials>(open_file(path, what, client, timing), what, client, timing, rules);
  };
  if (!key_file.empty()) return of_file(key_file, "the key file " + key_file);
  const std::string named = environment("GOOGLE_APPLICATION_CREDENTIALS");
  if (!named.empty()) return of_file(named, "GOOGLE_APPLICATION_CREDENTIALS=" + named);
  const std::string gcloud = gcloud_file(environment);
  std::error_code ignored;
  if (!gcloud.empty() && fs::exists(gcloud, ignored)) return of_file(gcloud, gcloud);
  const std::string given = environment("GCE_METADATA_HOST"), host = given.empty() ? "metadata.google.internal" : given;
  const std::string origin = fmt::format(
      "the metadata server {} (no key file in the settings, GOOGLE_APPLICATION_CREDENTIALS is not set, no {})", host,
      gcloud.empty() ? "HOME to look for gcloud's credentials in" : gcloud);
  return std::make_unique<Credentials>(std::make_unique<MetadataServer>(client, timing, host), origin, client, timing,
                                       rules);
}

}  // namespace podium
