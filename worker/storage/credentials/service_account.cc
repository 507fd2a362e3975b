#include "worker/storage/credentials/service_account.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdlib>

#include "worker/json/strict_json.h"
#include "worker/storage/base64.h"

namespace podium {
namespace {

using nlohmann::json;

constexpr const char* kScope = "https://www.googleapis.com/auth/devstorage.read_write";
constexpr int64_t kLifeSeconds = 3600, kLeastSkewSeconds = 30;

std::shared_ptr<EVP_PKEY> read_key(const std::string& pem, const std::string& what) {
  const std::unique_ptr<BIO, int (*)(BIO*)> memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  // Nobody is asked for a password.
  auto no_password = [](char*, int, int, void*) { return -1; };
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_password, nullptr), EVP_PKEY_free);
  ERR_clear_error();
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA)
    throw Error("{}: private_key is no RSA key in PEM without a password", what);
  return key;
}

std::string sign(EVP_PKEY* key, const std::string& text) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key)), '\0');
  size_t size = signature.size();
  const bool done =
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, text.size()) == 1;
  ERR_clear_error();
  if (!done) throw Error("the service account's key cannot sign");
  signature.resize(size);
  return signature;
}

}  // namespace

ServiceAccount::ServiceAccount(HttpClient& client, const Timing& timing, const json& file, const std::string& what)
    : client_(client),
      timing_(timing),
      email_(json_string(file, "client_email", what)),
      key_id_(json_string(file, "private_key_id", what)),
      token_uri_(json_has(file, "token_uri") ? json_string(file, "token_uri", what)
                                             : "https://oauth2.googleapis.com/token"),
      key_(read_key(json_string(file, "private_key", what), what)) {
  check_secure_url(token_uri_, what + ": token_uri");
}

std::string ServiceAccount::assertion() const {
  const int64_t now = timing_.unix_seconds() + skew_seconds_;
  const json header = {{"alg", "RS256"}, {"typ", "JWT"}, {"kid", key_id_}};
  const json claims = {
      {"iss", email_}, {"scope", kScope}, {"aud", token_uri_}, {"iat", now}, {"exp", now + kLifeSeconds}};
  const std::string text = base64url(header.dump()) + "." + base64url(claims.dump());
  return text + "." + base64url(sign(key_.get(), text));
}

AccessToken ServiceAccount::fetch() {
  auto ask = [&] {
    return post_form(client_, token_uri_,
                     {{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"}, {"assertion", assertion()}});
  };
  HttpReply reply = ask();
  if (const auto date = date_of(reply); date && (reply.status == 400 || reply.status == 401)) {
    const int64_t skew = *date - timing_.unix_seconds();
    // A clock that is wrong by more than the endpoint bears: by the endpoint's own, once more.
    if (std::abs(skew - skew_seconds_) > kLeastSkewSeconds) {
      skew_seconds_ = skew;
      reply = ask();
    }
  }
  return parse_token(reply, timing_.unix_seconds());
}

}  // namespace podium
