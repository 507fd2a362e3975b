#include "tests/kubernetes/signing_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "worker/base/error.h"

namespace podium {
namespace {

using nlohmann::json;

std::string number(EVP_PKEY* key, const char* name, int width_bytes = 0) {
  BIGNUM* value = nullptr;
  PODIUM_CHECK(EVP_PKEY_get_bn_param(key, name, &value) == 1, "{}", name);
  std::string bytes(static_cast<size_t>(width_bytes > 0 ? width_bytes : BN_num_bytes(value)), '\0');
  BN_bn2binpad(value, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  BN_free(value);
  return base64url(bytes);
}

int width_of(const std::string& curve) { return curve == "P-256" ? 32 : curve == "P-384" ? 48 : 66; }

std::string side_by_side(const std::string& der, int width_bytes) {
  auto* next = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* numbers = d2i_ECDSA_SIG(nullptr, &next, static_cast<long>(der.size()));
  std::string bytes(static_cast<size_t>(2 * width_bytes), '\0');
  auto* out = reinterpret_cast<unsigned char*>(bytes.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(numbers), out, width_bytes);
  BN_bn2binpad(ECDSA_SIG_get0_s(numbers), out + width_bytes, width_bytes);
  ECDSA_SIG_free(numbers);
  return bytes;
}

}  // namespace

SigningKey::SigningKey(std::string id, EVP_PKEY* key, std::string curve)
    : id_(std::move(id)), curve_(std::move(curve)), key_(key, EVP_PKEY_free) {}

SigningKey SigningKey::rsa(const std::string& id, int bits) {
  return {id, EVP_RSA_gen(static_cast<unsigned>(bits)), ""};
}

// The identifier: SHA-256 of the public key's DER.
SigningKey SigningKey::read(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                       BIO_free);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr);
  if (key == nullptr) throw Error("a key to sign with: no PEM of a private key");
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned digest_size = 0;
  EVP_Digest(der, static_cast<size_t>(size), digest, &digest_size, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  return {base64url(std::string(reinterpret_cast<char*>(digest), digest_size)), key, ""};
}

SigningKey SigningKey::curve(const std::string& id, const std::string& name) {
  return {id, EVP_EC_gen(name.c_str()), name};
}

json SigningKey::public_key(const std::string& algorithm) const {
  json key{{"use", "sig"}, {"kid", id_}};
  if (!algorithm.empty()) key["alg"] = algorithm;
  if (curve_.empty()) {
    key["kty"] = "RSA";
    key["n"] = number(key_.get(), OSSL_PKEY_PARAM_RSA_N);
    key["e"] = number(key_.get(), OSSL_PKEY_PARAM_RSA_E);
  } else {
    key["kty"] = "EC";
    key["crv"] = curve_;
    key["x"] = number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, width_of(curve_));
    key["y"] = number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, width_of(curve_));
  }
  return key;
}

std::string SigningKey::signature(const std::string& text, const std::string& algorithm) const {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const std::string digest = "SHA" + algorithm.substr(2);
  PODIUM_CHECK(EVP_DigestSignInit_ex(context, nullptr, digest.c_str(), nullptr, nullptr, key_.get(), nullptr) == 1);
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  EVP_DigestSign(context, nullptr, &size, bytes, text.size());
  std::string made(size, '\0');
  PODIUM_CHECK(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(made.data()), &size, bytes, text.size()) == 1);
  made.resize(size);
  EVP_MD_CTX_free(context);
  return curve_.empty() ? made : side_by_side(made, width_of(curve_));
}

std::string SigningKey::token(const json& claims, const std::string& algorithm) const {
  return token(claims, algorithm, {{"alg", algorithm}, {"kid", id_}});
}

std::string SigningKey::token(const json& claims, const std::string& algorithm, const json& header) const {
  const std::string text = base64url(header.dump()) + "." + base64url(claims.dump());
  return text + "." + base64url(signature(text, algorithm));
}

json key_set(std::initializer_list<json> keys) {
  json set{{"keys", json::array()}};
  for (const json& key : keys) set["keys"].push_back(key);
  return set;
}

json projected_claims(int64_t unix_seconds) {
  json claims{{"iss", "https://kubernetes.default.svc"},
              {"aud", {"podium"}},
              {"sub", "system:serviceaccount:demo:podium"},
              {"iat", unix_seconds},
              {"nbf", unix_seconds},
              {"exp", unix_seconds + 3600}};
  claims["kubernetes.io"] = {{"namespace", "demo"},
                             {"pod", {{"name", "web-1"}, {"uid", "uid-1"}}},
                             {"serviceaccount", {{"name", "podium"}, {"uid", "account-uid"}}}};
  return claims;
}

}  // namespace podium
