// Which credentials this process has: the order of Google's own libraries, behind a key file named in the settings.
#pragma once

#include <functional>
#include <memory>

#include "worker/storage/credentials/credentials.h"

namespace podium {

// The value of an environment variable; "" when it is not set.
using Environment = std::function<std::string(const char* name)>;
Environment process_environment();

// The key file of the settings (unless `key_file` is empty), GOOGLE_APPLICATION_CREDENTIALS,
// ~/.config/gcloud/application_default_credentials.json, the metadata server (GCE_METADATA_HOST). The first that is
// named or there is taken: one that cannot be used is an Error naming it, and not passed over. Asks nobody yet. Client
// and rules must outlive the result.
std::unique_ptr<Credentials> find_credentials(const std::string& key_file, const Environment& environment,
                                              HttpClient& client, const Timing& timing, const RetryRules& rules);

}  // namespace podium
