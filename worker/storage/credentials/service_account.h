// Tokens for a service account's key file: a JWT signed with its private key (RFC 7523, RS256) for an access token.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "worker/storage/credentials/token_source.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace podium {

class ServiceAccount : public TokenSource {
 public:
  // `file` is the content of the key file `what`. Throws Error naming it and the member that cannot be used.
  ServiceAccount(HttpClient& client, const Timing& timing, const nlohmann::json& file, const std::string& what);

  AccessToken fetch() override;
  std::string account() override { return email_; }
  std::string member() override { return "serviceAccount:" + email_; }

 private:
  std::string assertion() const;

  HttpClient& client_;
  const Timing timing_;
  std::string email_, key_id_, token_uri_;
  std::shared_ptr<EVP_PKEY> key_;
  int64_t skew_seconds_ = 0;  // of this machine's clock: what is to be added
};

}  // namespace podium
