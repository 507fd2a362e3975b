// What an API server signs ServiceAccount tokens with, for tests: keys made when they run.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "worker/storage/base64.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace podium {

class SigningKey {
 public:
  static SigningKey rsa(const std::string& id, int bits = 2048);
  // An RSA key as PEM, whose identifier is made from it as Kubernetes does. Throws Error.
  static SigningKey read(const std::string& pem);
  static SigningKey curve(const std::string& id, const std::string& name);  // "P-256"

  // As it stands in a key set, with the `algorithm` unless that is "".
  nlohmann::json public_key(const std::string& algorithm = "") const;
  // A token of `claims`; the header's algorithm is the one to sign with.
  std::string token(const nlohmann::json& claims, const std::string& algorithm) const;
  // The same whose header is `header`, whatever it says.
  std::string token(const nlohmann::json& claims, const std::string& algorithm, const nlohmann::json& header) const;
  // Of the text; of a curve the two numbers side by side.
  std::string signature(const std::string& text, const std::string& algorithm) const;

 private:
  SigningKey(std::string id, EVP_PKEY* key, std::string curve);
  std::string id_, curve_;
  std::shared_ptr<EVP_PKEY> key_;
};

nlohmann::json key_set(std::initializer_list<nlohmann::json> keys);

// The claims of a projected token of the pod `web-1`, uid `uid-1`, in the namespace `demo`, made at `unix_seconds` for
// an hour.
nlohmann::json projected_claims(int64_t unix_seconds);

}  // namespace podium
