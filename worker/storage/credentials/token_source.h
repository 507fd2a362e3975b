// Where access tokens come from: one class for each kind of credentials that Google gives out.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "worker/storage/http/retry.h"

namespace podium {

// Good for requests until `expires`, in seconds since 1970 on this machine's clock. The text is a secret.
struct AccessToken {
  std::string text;
  int64_t expires = 0;
};

class TokenSource {
 public:
  virtual ~TokenSource() = default;
  // One attempt. Throws HttpFailure, or another Error when no attempt can succeed.
  virtual AccessToken fetch() = 0;
  // Whose tokens they are, for people and as a policy names it
  // ("serviceAccount:podium@project.iam.gserviceaccount.com").
  virtual std::string account() = 0;
  virtual std::string member() = 0;
  // How long attempts for the first token go on.
  virtual std::chrono::milliseconds patience() const { return RetryRules().total; }
};

// POST of a form to a token endpoint, which is https, or http on this machine. Any answer; what was sent and comes back
// in its body is hidden.
HttpReply post_form(HttpClient& client, const std::string& url, const std::map<std::string, std::string>& form);

// {"access_token", "expires_in"}. Throws HttpFailure when the status is another than 200 or the body no such thing.
AccessToken parse_token(const HttpReply& reply, int64_t unix_seconds);

// Throws Error naming `what` when secrets should not be sent to `url`.
void check_secure_url(const std::string& url, const std::string& what);

}  // namespace podium
