// Tokens by Workload Identity Federation: a token of another provider, from a file or a URL, is exchanged for one of
// Google's (RFC 8693), which may be exchanged once more for that of a service account.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "worker/storage/credentials/token_source.h"

namespace podium {

class ExternalAccount : public TokenSource {
 public:
  // `file` is the content of `what`. Throws Error naming it and the member that cannot be used.
  ExternalAccount(HttpClient& client, const Timing& timing, const nlohmann::json& file, const std::string& what);

  AccessToken fetch() override;
  std::string account() override;
  std::string member() override;

 private:
  std::string subject_token();
  AccessToken impersonate(const AccessToken& federated);

  HttpClient& client_;
  const Timing timing_;
  const std::string what_;
  std::string audience_, subject_type_, token_url_, impersonation_url_;
  std::string subject_file_, subject_url_, subject_field_;  // field: "" when the token is the whole text
  std::vector<std::string> subject_headers_;
};

}  // namespace podium
