#include "worker/storage/credentials/external_account.h"

#include "worker/base/file.h"
#include "worker/json/strict_json.h"

namespace podium {
namespace {

using nlohmann::json;

constexpr const char* kScope = "https://www.googleapis.com/auth/devstorage.read_write";
constexpr uint64_t kLargestToken = 64 << 10;
constexpr int64_t kLifeSeconds = 3600;  // of an impersonated account's token, as it is asked for

std::string without_space(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

}  // namespace

ExternalAccount::ExternalAccount(HttpClient& client, const Timing& timing, const json& file, const std::string& what)
    : client_(client),
      timing_(timing),
      what_(what),
      audience_(json_string(file, "audience", what)),
      subject_type_(json_string(file, "subject_token_type", what)),
      token_url_(json_string(file, "token_url", what)) {
  check_secure_url(token_url_, what + ": token_url");
  if (json_has(file, "service_account_impersonation_url")) {
    impersonation_url_ = json_string(file, "service_account_impersonation_url", what);
    check_secure_url(impersonation_url_, what + ": service_account_impersonation_url");
  }
  const json& source = json_object(file, "credential_source", what);
  if (json_has(source, "file")) subject_file_ = json_string(source, "file", what);
  if (json_has(source, "url")) subject_url_ = json_string(source, "url", what);
  if (subject_file_.empty() == subject_url_.empty())
    throw Error("{}: credential_source: expected a file or a url (executables and AWS are not supported)", what);
  if (json_has(source, "headers")) {
    const json& headers = json_object(source, "headers", what);
    for (const auto& [name, value] : headers.items())
      subject_headers_.push_back(name + ": " + json_string(headers, name.c_str(), what));
  }
  if (!json_has(source, "format")) return;
  const json& format = json_object(source, "format", what);
  if (json_string(format, "type", what) == "json")
    subject_field_ = json_string(format, "subject_token_field_name", what);
}

std::string ExternalAccount::subject_token() {
  std::string text;
  if (!subject_file_.empty()) {
    text = read_file(subject_file_, kLargestToken);
  } else {
    const HttpReply reply = client_.perform({.url = subject_url_,
                                             .headers = subject_headers_,
                                             .kept_bytes = kLargestToken,
                                             .timeout = std::chrono::seconds(30)});
    if (reply.status != 200) throw status_failure(reply);
    text = reply.body;
  }
  if (subject_field_.empty()) return without_space(text);
  // The text is a secret: an error must not show it.
  const std::string what = what_ + ": the subject token";
  return json_string(parse_strict_json(text, what), subject_field_.c_str(), what);
}

AccessToken ExternalAccount::fetch() {
  const HttpReply reply = post_form(client_, token_url_,
                                    {{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
                                     {"audience", audience_},
                                     {"scope", kScope},
                                     {"requested_token_type", "urn:ietf:params:oauth:token-type:access_token"},
                                     {"subject_token_type", subject_type_},
                                     {"subject_token", subject_token()}});
  const AccessToken federated = parse_token(reply, timing_.unix_seconds());
  return impersonation_url_.empty() ? federated : impersonate(federated);
}

AccessToken ExternalAccount::impersonate(const AccessToken& federated) {
  const json body = {{"scope", {kScope}}, {"lifetime", fmt::format("{}s", kLifeSeconds)}};
  HttpReply reply =
      client_.perform({.method = "POST",
                       .url = impersonation_url_,
                       .headers = {"Content-Type: application/json", "Authorization: Bearer " + federated.text},
                       .body = text_body(body.dump()),
                       .timeout = std::chrono::seconds(30)});
  hide(reply.body, federated.text);
  if (reply.status != 200) throw status_failure(reply);
  try {
    const json answer = parse_strict_json(reply.body, "the impersonation's answer");
    const json token = {{"access_token", json_string(answer, "accessToken", "the impersonation's answer")},
                        {"expires_in", kLifeSeconds}};
    return parse_token({200, {}, token.dump()}, timing_.unix_seconds());
  } catch (const HttpFailure&) {
    throw;
  } catch (const Error& error) {
    throw malformed_failure(error.what());
  }
}

// ".../serviceAccounts/EMAIL:generateAccessToken"
std::string ExternalAccount::account() {
  if (impersonation_url_.empty()) return "the federated identity of " + audience_;
  const std::string last = impersonation_url_.substr(impersonation_url_.rfind('/') + 1);
  return last.substr(0, last.find(':'));
}

std::string ExternalAccount::member() {
  return impersonation_url_.empty() ? "principalSet:" + audience_ + "/*" : "serviceAccount:" + account();
}

}  // namespace podium
