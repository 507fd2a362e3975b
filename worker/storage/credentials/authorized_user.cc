#include "worker/storage/credentials/authorized_user.h"

#include "worker/json/strict_json.h"

namespace podium {

AuthorizedUser::AuthorizedUser(HttpClient& client, const Timing& timing, const nlohmann::json& file,
                               const std::string& what)
    : client_(client),
      timing_(timing),
      form_({{"grant_type", "refresh_token"}}),
      token_uri_(json_has(file, "token_uri") ? json_string(file, "token_uri", what)
                                             : "https://oauth2.googleapis.com/token") {
  for (const char* key : {"client_id", "client_secret", "refresh_token"}) form_[key] = json_string(file, key, what);
  check_secure_url(token_uri_, what + ": token_uri");
}

AccessToken AuthorizedUser::fetch() {
  return parse_token(post_form(client_, token_uri_, form_), timing_.unix_seconds());
}

}  // namespace podium
