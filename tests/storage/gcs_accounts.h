// Who may do what in the test server: the token endpoint, the exchange of foreign tokens, the metadata server, and the
// check of each request's token.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "tests/storage/gcs_exchange.h"
#include "tests/storage/service_key.h"

namespace podium {

class GcsAccounts {
 public:
  // The time of day here; a server's clock may be another than the client's.
  std::function<int64_t()> unix_seconds;
  GcsAccounts();

  // Each makes a kind of credentials good. Before the first of them nothing is asked of anybody.
  void know(const ServiceKey& key, const std::string& token_uri);
  void know_user(const std::string& client_id, const std::string& client_secret, const std::string& refresh_token);
  void know_subject(const std::string& subject_token, const std::string& audience);
  void know_machine(const std::string& email);  // of the metadata server

  void deny(const std::string& permission);  // "storage.objects.create", to all
  void revoke_tokens();                      // all that were given out
  void live_seconds(int64_t seconds);        // of tokens given out from now on
  int tokens_given() const;
  std::set<std::string> secrets() const;  // all that must not be seen in any log: tokens, keys, assertions

  // nullopt: the request is none of theirs.
  std::optional<GcsAnswer> answer(const GcsRequest& request);
  // The question which permissions an account has.
  std::optional<GcsAnswer> permissions(const GcsRequest& request) const;
  // Why the request is refused: 401 or 403. nullopt: it is not.
  std::optional<GcsAnswer> refuse(const GcsRequest& request);

 private:
  GcsAnswer token(const std::map<std::string, std::string>& form);
  GcsAnswer signed_grant(const std::string& assertion);
  GcsAnswer exchange(const std::map<std::string, std::string>& form);
  GcsAnswer impersonate(const GcsRequest& request);
  GcsAnswer metadata(const GcsRequest& request);
  nlohmann::json give(const std::string& account);
  std::optional<std::string> account_of(const GcsRequest& request) const;

  struct Known {
    ServiceKey key;
    std::string token_uri;
  };
  struct Given {
    std::string account;
    int64_t expires;
  };
  mutable std::mutex mutex_;
  bool is_open_ = true;
  std::map<std::string, Known> keys_;
  std::map<std::string, std::string> users_, subjects_;  // refresh token -> "id secret"; subject token -> audience
  std::string machine_;
  std::set<std::string> denied_, secrets_;
  std::map<std::string, Given> given_;
  int64_t live_seconds_ = 3600;
  int tokens_ = 0;
};

}  // namespace podium
