// A service account's key, for tests: made when they run.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

typedef struct evp_pkey_st EVP_PKEY;

namespace podium {

class ServiceKey {
 public:
  ServiceKey(std::string email, std::string key_id);

  const std::string& email() const { return email_; }
  const std::string& key_id() const { return key_id_; }
  std::string private_key() const;  // PEM
  // As the file that Google gives out.
  nlohmann::json file(const std::string& token_uri) const;
  // Whether `signature` is RS256 of `text` by this key.
  bool has_signed(const std::string& text, const std::string& signature) const;

 private:
  std::string email_, key_id_;
  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace podium
