#include "coordinator/kubernetes/key_set.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>

#include "coordinator/forget_failures.h"
#include "coordinator/kubernetes/api_error.h"
#include "coordinator/kubernetes/base64url.h"
#include "worker/json/strict_json.h"

namespace podium::kubernetes {
namespace {

using nlohmann::json;

constexpr size_t kMostKeys = 100;
// RFC 7518 section 3.3 asks for 2048; more than 8192 would make each check slow.
constexpr int kFewestBits = 2048, kMostBits = 8192, kMostExponentBits = 32;

struct Algorithm {
  const char *name, *kind, *digest;
};
constexpr Algorithm kAlgorithms[] = {
    {"RS256", "RSA", "SHA256"},   {"RS384", "RSA", "SHA384"},   {"RS512", "RSA", "SHA512"},
    {"ES256", "P-256", "SHA256"}, {"ES384", "P-384", "SHA384"}, {"ES512", "P-521", "SHA512"},
};

size_t coordinate_bytes(std::string_view curve) { return curve == "P-256" ? 32 : curve == "P-384" ? 48 : 66; }

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using CurveSignature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Number number_of(std::string_view text) {
  return Number(BN_bin2bn(bytes(text), static_cast<int>(text.size()), nullptr));
}

std::string member(const json& key, const char* name) {
  auto value = decode_base64url(json_string(key, name, "the key"));
  if (!value) throw Error("the key: \"{}\" is not base64url", name);
  return std::move(*value);
}

std::shared_ptr<EVP_PKEY> make_key(const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    throw Error("the key: OpenSSL refuses its numbers");
  std::shared_ptr<EVP_PKEY> key(made, EVP_PKEY_free);
  const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (!check || EVP_PKEY_public_check(check.get()) != 1) throw Error("the key: its numbers are none of a {} key", type);
  return key;
}

std::shared_ptr<EVP_PKEY> rsa_key(const json& key) {
  const Number modulus = number_of(member(key, "n")), exponent = number_of(member(key, "e"));
  if (!modulus || BN_num_bits(modulus.get()) < kFewestBits || BN_num_bits(modulus.get()) > kMostBits)
    throw Error("the key: \"n\" has {} bits, {} to {} are expected", BN_num_bits(modulus.get()), kFewestBits,
                kMostBits);
  if (!exponent || BN_num_bits(exponent.get()) > kMostExponentBits)
    throw Error("the key: \"e\" has more than {} bits", kMostExponentBits);
  const Builder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return make_key("RSA", builder.get());
}

std::shared_ptr<EVP_PKEY> curve_key(const json& key, const std::string& curve) {
  const std::string x = member(key, "x"), y = member(key, "y");
  if (x.size() != coordinate_bytes(curve) || y.size() != x.size())
    throw Error("the key: \"x\" and \"y\" have {} and {} bytes, {} are expected", x.size(), y.size(),
                coordinate_bytes(curve));
  const std::string point = '\x04' + x + y;  // uncompressed, SEC 1 section 2.3.3
  const Builder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.c_str(), 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  return make_key("EC", builder.get());
}

// From the two numbers side by side (RFC 7518 section 3.4) to the DER that OpenSSL checks; "" when they are none.
std::string der_of(std::string_view signature, size_t number_bytes) {
  if (signature.size() != 2 * number_bytes) return "";
  const CurveSignature numbers(ECDSA_SIG_new());
  Number r = number_of(signature.substr(0, number_bytes)), s = number_of(signature.substr(number_bytes));
  if (!numbers || !r || !s || ECDSA_SIG_set0(numbers.get(), r.release(), s.release()) != 1) return "";
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(numbers.get(), &der);
  if (size <= 0) return "";
  std::string text(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return text;
}

bool is_signed(EVP_PKEY* key, const char* digest, const std::string& text, const std::string& signature) {
  const DigestContext context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key, nullptr) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(text), text.size()) == 1;
}

}  // namespace

KeySet::Key KeySet::parse_key(const json& key) {
  const ForgetFailures forget;
  const std::string& type = json_string(key, "kty", "the key");
  const std::string use = json_has(key, "use") ? json_string(key, "use", "the key") : "sig";
  if (use != "sig") throw Error("the key: it is for \"{}\", expected \"sig\"", one_line(use, 20));
  const std::string algorithm = json_has(key, "alg") ? json_string(key, "alg", "the key") : "";
  if (type == "RSA") return {"RSA", algorithm, rsa_key(key)};
  if (type != "EC") throw Error("the key: its type is \"{}\", expected RSA or EC", one_line(type, 20));
  const std::string& curve = json_string(key, "crv", "the key");
  if (curve != "P-256" && curve != "P-384" && curve != "P-521")
    throw Error("the key: its curve is \"{}\", expected P-256, P-384 or P-521", one_line(curve, 20));
  return {curve, algorithm, curve_key(key, curve)};
}

// A key that cannot be used is left out, as RFC 7517 section 5 asks.
KeySet::KeySet(const json& set) {
  const json& keys = json_array(set, "keys", "the key set");
  if (keys.size() > kMostKeys) throw Error("the key set: {} keys, at most {} are expected", keys.size(), kMostKeys);
  std::string last = "it is empty";
  for (const json& key : keys) {
    try {
      const std::string& id = json_string(key, "kid", "the key");
      if (!keys_.emplace(id, parse_key(key)).second) throw Error("the key: its \"kid\" is another's too");
    } catch (const Error& error) {
      last = error.what();
    }
  }
  if (keys_.empty()) throw Error("the key set: no key in it can be used: {}", last);
}

std::optional<std::string> KeySet::refuse(const SignedToken& token) const {
  const ForgetFailures forget;
  const Key& key = keys_.at(token.key_id);
  const auto* algorithm = std::find_if(std::begin(kAlgorithms), std::end(kAlgorithms),
                                       [&](const Algorithm& known) { return token.algorithm == known.name; });
  if (algorithm == std::end(kAlgorithms))
    return fmt::format(
        "the token is signed by the algorithm \"{}\", expected RS256, RS384, RS512, ES256, ES384 or ES512",
        one_line(token.algorithm, 20));
  if (key.kind != algorithm->kind || (!key.algorithm.empty() && key.algorithm != token.algorithm))
    return fmt::format("the token is signed by the algorithm {}, for which its key ({}{}{}) is not made",
                       token.algorithm, key.kind, key.algorithm.empty() ? "" : ", ", one_line(key.algorithm, 20));
  const bool is_curve = key.kind != "RSA";
  const std::string signature = is_curve ? der_of(token.signature, coordinate_bytes(key.kind)) : token.signature;
  if (is_signed(key.key.get(), algorithm->digest, token.signed_text, signature)) return std::nullopt;
  return "the token's signature is not that of this cluster's API server";
}

}  // namespace podium::kubernetes
