// Who may join in a cluster: pods of the StatefulSet, proved by their projected ServiceAccount tokens.
#pragma once

#include "coordinator/authentication.h"
#include "coordinator/kubernetes/credentials.h"

namespace podium::kubernetes {

// What a projected token must be made for.
inline constexpr char kTokenAudience[] = "podium";

struct TokenRules {
  std::string name_space, stateful_set;
  // Why this pod, by name and uid, is no live pod of the StatefulSet; nullopt: it is one.
  std::function<std::optional<std::string>(const Claimant& pod)> refuse_pod;
  // Whether refuse_pod can say that by now.
  std::function<bool()> knows_pods = [] { return true; };
};

// Checks a token against the API server's key set, then against the claimant: a pod's name and uid are in it. The key
// set is read from now on every hour, and at once, at most every 10 s, when a token names a key that is not in it;
// while the server is away, with waits of 0.8 s doubling to 30 s. Until it was read the first time nobody is let in;
// afterwards the last one stays.
class TokenAuthenticator : public Authenticator {
 public:
  TokenAuthenticator(boost::asio::io_context& io, std::shared_ptr<Credentials> credentials, TokenRules rules,
                     TimeAndChance time = real_time_and_chance());
  ~TokenAuthenticator() override;  // asks for nothing afterwards
  TokenAuthenticator(const TokenAuthenticator&) = delete;
  TokenAuthenticator& operator=(const TokenAuthenticator&) = delete;

  bool is_ready() const override;
  std::optional<std::string> refuse(const std::string& credential, const Claimant* claimant) override;

 private:
  class Keys;
  const TokenRules rules_;
  const TimeAndChance time_;
  const std::shared_ptr<Keys> keys_;
};

}  // namespace podium::kubernetes
