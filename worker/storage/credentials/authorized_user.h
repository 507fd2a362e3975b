// Tokens for what `gcloud auth application-default login` leaves behind: a person's refresh token.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "worker/storage/credentials/token_source.h"

namespace podium {

class AuthorizedUser : public TokenSource {
 public:
  // `file` is the content of `what`. Throws Error naming it and the member that cannot be used.
  AuthorizedUser(HttpClient& client, const Timing& timing, const nlohmann::json& file, const std::string& what);

  AccessToken fetch() override;
  std::string account() override { return "the person logged in with gcloud"; }
  std::string member() override { return "user:YOUR_ADDRESS"; }

 private:
  HttpClient& client_;
  const Timing timing_;
  std::map<std::string, std::string> form_;
  std::string token_uri_;
};

}  // namespace podium
