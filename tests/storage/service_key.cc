#include "tests/storage/service_key.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

namespace podium {

ServiceKey::ServiceKey(std::string email, std::string key_id)
    : email_(std::move(email)), key_id_(std::move(key_id)), key_(EVP_RSA_gen(2048), EVP_PKEY_free) {}

std::string ServiceKey::private_key() const {
  const std::unique_ptr<BIO, int (*)(BIO*)> memory(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PrivateKey(memory.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<size_t>(size)};
}

nlohmann::json ServiceKey::file(const std::string& token_uri) const {
  return {{"type", "service_account"},    {"project_id", "project"}, {"private_key_id", key_id_},
          {"private_key", private_key()}, {"client_email", email_},  {"client_id", "1"},
          {"token_uri", token_uri}};
}

bool ServiceKey::has_signed(const std::string& text, const std::string& signature) const {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const auto bytes = [](const std::string& s) { return reinterpret_cast<const unsigned char*>(s.data()); };
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(text), text.size()) == 1;
}

}  // namespace podium
