// The keys that an API server signs ServiceAccount tokens with: a JSON Web Key Set (RFC 7517), as /openid/v1/jwks gives
// it.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "coordinator/kubernetes/service_account_token.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace podium::kubernetes {

class KeySet {
 public:
  // Keys of another kind than tokens are signed with are left out. Throws Error when none remains, or it is no key set.
  explicit KeySet(const nlohmann::json& set);

  bool holds(const std::string& key_id) const { return keys_.contains(key_id); }
  size_t size() const { return keys_.size(); }
  // Why the token is not signed by the key that it names, which must be held. RS256, RS384, RS512 with RSA keys, ES256,
  // ES384, ES512 with the elliptic curve of each (RFC 7518 section 3). nullopt: it is.
  std::optional<std::string> refuse(const SignedToken& token) const;

 private:
  struct Key {
    std::string kind;       // "RSA", or the curve
    std::string algorithm;  // the only one that it is for; "": any of its kind
    std::shared_ptr<EVP_PKEY> key;
  };
  static Key parse_key(const nlohmann::json& key);

  std::map<std::string, Key> keys_;  // by their "kid"
};

}  // namespace podium::kubernetes
