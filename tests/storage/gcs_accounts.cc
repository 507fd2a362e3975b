#include "tests/storage/gcs_accounts.h"

#include <fmt/format.h>

#include <ctime>

#include "coordinator/kubernetes/base64url.h"

namespace podium {

using nlohmann::json;

namespace {

constexpr int64_t kMostSkew = 300;
constexpr const char* kScope = "https://www.googleapis.com/auth/devstorage.read_write";

GcsAnswer oauth_error(int status, const std::string& error, const std::string& description) {
  return json_answer({{"error", error}, {"error_description", description}}, status);
}

bool asks_for_permissions(const GcsRequest& request) {
  return !request.path.empty() && request.path.back() == "testPermissions";
}

// "": none is needed.
std::string permission_of(const GcsRequest& request) {
  if (asks_for_permissions(request)) return "";
  if (request.method == "DELETE") return "storage.objects.delete";
  if (request.method != "GET") return "storage.objects.create";
  return request.path.back() == "o" ? "storage.objects.list" : "storage.objects.get";
}

}  // namespace

GcsAccounts::GcsAccounts() : unix_seconds([] { return int64_t{std::time(nullptr)}; }) {}

void GcsAccounts::know(const ServiceKey& key, const std::string& token_uri) {
  const std::lock_guard lock(mutex_);
  is_open_ = false;
  keys_.insert_or_assign(key.email(), Known{key, token_uri});
  const std::string pem = key.private_key();
  for (size_t at = 64; at + 40 < pem.size(); at += 65) secrets_.insert(pem.substr(at, 40));
}

void GcsAccounts::know_user(const std::string& client_id, const std::string& client_secret,
                            const std::string& refresh_token) {
  const std::lock_guard lock(mutex_);
  is_open_ = false;
  users_[refresh_token] = client_id + " " + client_secret;
  secrets_.insert({client_secret, refresh_token});
}

void GcsAccounts::know_subject(const std::string& subject_token, const std::string& audience) {
  const std::lock_guard lock(mutex_);
  is_open_ = false;
  subjects_[subject_token] = audience;
  secrets_.insert(subject_token);
}

void GcsAccounts::know_machine(const std::string& email) {
  const std::lock_guard lock(mutex_);
  is_open_ = false;
  machine_ = email;
}

void GcsAccounts::deny(const std::string& permission) {
  const std::lock_guard lock(mutex_);
  denied_.insert(permission);
}

void GcsAccounts::revoke_tokens() {
  const std::lock_guard lock(mutex_);
  given_.clear();
}

void GcsAccounts::live_seconds(int64_t seconds) {
  const std::lock_guard lock(mutex_);
  live_seconds_ = seconds;
}

int GcsAccounts::tokens_given() const {
  const std::lock_guard lock(mutex_);
  return tokens_;
}

std::set<std::string> GcsAccounts::secrets() const {
  const std::lock_guard lock(mutex_);
  return secrets_;
}

std::optional<GcsAnswer> GcsAccounts::answer(const GcsRequest& request) {
  const std::lock_guard lock(mutex_);
  if (request.is_below({"token"})) return token(parse_form(request.body));
  if (request.is_below({"sts"})) return exchange(parse_form(request.body));
  if (request.is_below({"impersonate"})) return impersonate(request);
  if (request.is_below({"computeMetadata"})) return metadata(request);
  return std::nullopt;
}

GcsAnswer GcsAccounts::token(const std::map<std::string, std::string>& form) {
  auto field = [&](const char* name) { return form.contains(name) ? form.at(name) : std::string(); };
  if (field("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer") return signed_grant(field("assertion"));
  if (field("grant_type") != "refresh_token") return oauth_error(400, "unsupported_grant_type", "Invalid grant_type");
  const auto user = users_.find(field("refresh_token"));
  if (user == users_.end())
    return oauth_error(400, "invalid_grant", "Token has been expired or revoked: " + field("refresh_token"));
  if (user->second != field("client_id") + " " + field("client_secret"))
    return oauth_error(401, "invalid_client", "Unauthorized");
  return json_answer(give("a user"));
}

GcsAnswer GcsAccounts::signed_grant(const std::string& assertion) {
  secrets_.insert(assertion);
  const size_t first = assertion.find('.'), second = assertion.find('.', first + 1);
  if (second == std::string::npos) return oauth_error(400, "invalid_grant", "Invalid JWT");
  auto decoded = [&](size_t begin, size_t end) {
    return kubernetes::decode_base64url(assertion.substr(begin, end - begin)).value_or("");
  };
  const json header = json::parse(decoded(0, first), nullptr, false);
  const json claims = json::parse(decoded(first + 1, second), nullptr, false);
  if (!header.is_object() || !claims.is_object()) return oauth_error(400, "invalid_grant", "Invalid JWT");
  const auto known = keys_.find(claims.value("iss", ""));
  if (known == keys_.end()) return oauth_error(400, "invalid_grant", "Invalid grant: account not found");
  const Known& account = known->second;
  if (header.value("alg", "") != "RS256" || header.value("typ", "") != "JWT" ||
      header.value("kid", "") != account.key.key_id() ||
      !account.key.has_signed(assertion.substr(0, second), decoded(second + 1, assertion.size())))
    return oauth_error(400, "invalid_grant", "Invalid JWT Signature. " + assertion);
  if (claims.value("aud", "") != account.token_uri || claims.value("scope", "") != kScope)
    return oauth_error(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.");
  const int64_t now = unix_seconds(), made = claims.value("iat", int64_t{0}), expires = claims.value("exp", int64_t{0});
  if (made > now + kMostSkew || expires < now || expires - made > 3600 || made < now - 3600)
    return oauth_error(400, "invalid_grant",
                       "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                       "Check your iat and exp values in the JWT claim.");
  return json_answer(give(account.key.email()));
}

GcsAnswer GcsAccounts::exchange(const std::map<std::string, std::string>& form) {
  auto field = [&](const char* name) { return form.contains(name) ? form.at(name) : std::string(); };
  const auto subject = subjects_.find(field("subject_token"));
  if (field("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" ||
      field("requested_token_type") != "urn:ietf:params:oauth:token-type:access_token" ||
      field("subject_token_type") != "urn:ietf:params:oauth:token-type:jwt")
    return oauth_error(400, "invalid_request", "Invalid token exchange");
  if (subject == subjects_.end() || subject->second != field("audience"))
    return oauth_error(400, "invalid_grant", "The audience in ID Token does not match the expected audience.");
  return json_answer(give("federated"));
}

// {"accessToken", "expireTime"} for who has a federated token.
GcsAnswer GcsAccounts::impersonate(const GcsRequest& request) {
  if (account_of(request) != "federated") return error_answer(401, "authError", "Invalid Credentials");
  const json given = give(request.path.back().substr(0, request.path.back().find(':')));
  const std::time_t expires = unix_seconds() + live_seconds_;
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&expires));
  return json_answer({{"accessToken", given["access_token"]}, {"expireTime", text}});
}

GcsAnswer GcsAccounts::metadata(const GcsRequest& request) {
  if (request.header("metadata-flavor") != "Google") return {403, "Missing Metadata-Flavor:Google header.", {}};
  if (machine_.empty()) return {404, "<html>not found</html>", {}};
  if (request.path.back() == "email") return {200, machine_, {"Metadata-Flavor: Google"}};
  return json_answer(give(machine_));
}

json GcsAccounts::give(const std::string& account) {
  const std::string token = fmt::format("ya29.secret-token-{}", ++tokens_);
  secrets_.insert(token);
  given_[token] = {account, unix_seconds() + live_seconds_};
  return {{"access_token", token}, {"expires_in", live_seconds_}, {"token_type", "Bearer"}};
}

std::optional<std::string> GcsAccounts::account_of(const GcsRequest& request) const {
  const std::string header = request.header("authorization");
  if (!header.starts_with("Bearer ")) return std::nullopt;
  const auto given = given_.find(header.substr(7));
  if (given == given_.end() || given->second.expires <= unix_seconds()) return std::nullopt;
  return given->second.account;
}

std::optional<GcsAnswer> GcsAccounts::permissions(const GcsRequest& request) const {
  if (!asks_for_permissions(request)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  json granted = {{"kind", "storage#testIamPermissionsResponse"}};
  if (const std::string asked = request.parameter("permissions"); !denied_.contains(asked))
    granted["permissions"] = {asked};
  return json_answer(granted);
}

std::optional<GcsAnswer> GcsAccounts::refuse(const GcsRequest& request) {
  const std::lock_guard lock(mutex_);
  // Who knows a session's name may use it.
  if (request.is_upload_part()) return std::nullopt;
  const std::optional<std::string> account = is_open_ ? std::optional<std::string>("anybody") : account_of(request);
  if (!account) return error_answer(401, "authError", "Invalid Credentials " + request.header("authorization"));
  const std::string permission = permission_of(request);
  if (!denied_.contains(permission)) return std::nullopt;
  return error_answer(403, "forbidden",
                      fmt::format("{} does not have {} access to the Google Cloud Storage object. Permission '{}' "
                                  "denied on resource (or it may not exist).",
                                  *account, permission, permission));
}

}  // namespace podium
