#include "tests/kubernetes/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "worker/base/error.h"

namespace podium {
namespace {

constexpr long kDay = 24 * 60 * 60;

std::shared_ptr<EVP_PKEY> make_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  PODIUM_CHECK(extension != nullptr, "{}", value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::shared_ptr<X509> make_certificate(const char* name, EVP_PKEY* key, X509* issuer, long from, long to) {
  static long serial = 1;
  std::shared_ptr<X509> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), to);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer == nullptr ? certificate.get() : issuer));
  return certificate;
}

template <typename Write>
std::string pem(Write&& write) {
  std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
  write(memory.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

}  // namespace

CertificateAuthority::CertificateAuthority() : key_(make_key()) {
  certificate_ = make_certificate("kubernetes", key_.get(), nullptr, -kDay, kDay);
  extend(certificate_.get(), certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(certificate_.get(), certificate_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(certificate_.get(), certificate_.get(), NID_subject_key_identifier, "hash");
  X509_sign(certificate_.get(), key_.get(), EVP_sha256());
}

std::string CertificateAuthority::certificate() const {
  return pem([&](BIO* memory) { PEM_write_bio_X509(memory, certificate_.get()); });
}

CertificateAndKey CertificateAuthority::issue(const std::string& names, int days, const std::string& usage) const {
  const std::shared_ptr<EVP_PKEY> key = make_key();
  const auto certificate = make_certificate("kube-apiserver", key.get(), certificate_.get(), -9 * kDay, days * kDay);
  extend(certificate.get(), certificate_.get(), NID_subject_alt_name, names);
  extend(certificate.get(), certificate_.get(), NID_ext_key_usage, usage);
  extend(certificate.get(), certificate_.get(), NID_authority_key_identifier, "keyid:always");
  X509_sign(certificate.get(), key_.get(), EVP_sha256());
  return {pem([&](BIO* memory) { PEM_write_bio_X509(memory, certificate.get()); }), pem([&](BIO* memory) {
            PEM_write_bio_PrivateKey(memory, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace podium
