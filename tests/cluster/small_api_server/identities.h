// Who asks: tokens of users from a file, as kube-apiserver's --token-auth-file, and those of ServiceAccounts, which are
// made and signed here.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/cluster/small_api_server/store.h"
#include "tests/kubernetes/signing_key.h"

namespace podium::cluster::small {

struct User {
  std::string name;
  std::vector<std::string> groups;
  bool is_in(const std::string& group) const;
};

class Identities {
 public:
  // `pki`: with tokens.csv and sa.key, as ControlPlane writes them.
  Identities(const fs::path& pki, Store& store);

  // `authorization`: the header. Throws Refusal (401) for a token that is not known, has expired, is for another
  // audience or bound to an account or pod that is gone. (Kubernetes 1.20 accepts what it has accepted for 10 s more.)
  User authenticate(const std::string& authorization) const;
  // The answer to a TokenRequest. Throws Refusal.
  nlohmann::json issue(const std::string& name_space, const std::string& account, nlohmann::json request) const;
  std::string keys() const;  // /openid/v1/jwks

 private:
  nlohmann::json claims_for(const std::string& name_space, const std::string& account,
                            const nlohmann::json& spec) const;
  bool holds(const nlohmann::json& claims) const;

  Store& store_;
  std::map<std::string, User> users_;  // by token
  const SigningKey key_;
};

}  // namespace podium::cluster::small
